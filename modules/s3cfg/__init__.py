"""The deployment settings: what can be set, the defaults, and the templates that set them."""
from s3cfg.config import SETTINGS, S3Config
from s3cfg.importer import import_module
from s3cfg.setting import Setting, SettingError
from s3cfg.texts import to_translate
from s3cfg.trial import config_problem

__all__ = ("SETTINGS", "S3Config", "Setting", "SettingError", "config_problem", "import_module", "to_translate")
