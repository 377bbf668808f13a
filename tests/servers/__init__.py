"""Private mail servers on loopback, and the place where their mail goes."""
