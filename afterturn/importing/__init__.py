"""Old conversations: how their turns are read from a file, and how they wait behind what is said today."""
