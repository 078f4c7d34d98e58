"""Last of all models: the first data, and the periodic tasks in step with the settings."""

try:
    s3setup.first_run(request.folder)
except (S3ConfigError, SettingError) as error:
    current.log.error(str(error))
    raise HTTP(503, str(error)) from error
if current.s3task.is_worker_start:
    s3setup.worker_start()
