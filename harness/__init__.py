"""Code that tests and benches share: the scripted model, the pipeline in one process, scenarios with faults."""
