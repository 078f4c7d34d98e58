"""Daily maintenance for installations without a scheduler worker; run by cron with the models, see crontab."""

print(s3.tasks["maintenance"](period="daily"))
