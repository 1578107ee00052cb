"""Facts as users read and edit them. Extraction of facts from turns is in `extraction`."""
