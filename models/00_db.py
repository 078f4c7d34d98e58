"""The database, and the services of the framework."""

from s3 import S3XML, AuthS3, S3ConfigError, S3Msg, s3setup
from s3cfg import SettingError
from s3log import S3Log

current.log = S3Log()
try:
    settings.check_theme()
    for _sentence in settings.untold():
        current.log.warning(_sentence)
    current.db = db = s3setup.connect(request.folder)
    current.auth = auth = AuthS3()
except (S3ConfigError, SettingError) as error:
    current.log.error(str(error))
    raise HTTP(503, str(error)) from error

auth.define_tables()
current.xml = S3XML()
current.msg = msg = S3Msg()
