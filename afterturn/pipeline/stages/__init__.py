"""The stages of the pipeline, one file each, in the order of the flow: what each Celery task does when it runs."""
