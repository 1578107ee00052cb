"""JSON documents that agents keep under a namespace and a key, found by key, by filter and by similarity."""
