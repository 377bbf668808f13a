"""The only rooms that touch the operating system: commands, sockets, directories, logs, checkpoints on disk.

They hand over bytes, lines or directory entries, and know nothing of what these mean.
"""
