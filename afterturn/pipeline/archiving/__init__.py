"""What the archive stage is made of: the rows that it locks, what it does with each kind of entry, and how it cuts."""
