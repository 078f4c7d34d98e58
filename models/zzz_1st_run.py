"""Last of all models: the first data, and the periodic tasks in step with the settings."""

s3setup.first_run(request.folder)
if current.s3task.is_worker_start:
    s3setup.worker_start()
