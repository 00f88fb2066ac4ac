"""A Trace for people to read; every rendering is made from the same recording."""
