"""Reading whole log files for people: the report of `smtpq logs` and the events of `smtpq events`."""
