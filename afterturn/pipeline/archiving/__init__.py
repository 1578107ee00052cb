"""The parts of the archive stage: lock the rows, archive each kind of entry, cut batches."""
