"""First of all models: the import path, and the settings of this request."""

import os
import sys

from gluon import current
from gluon.storage import Storage

# Eden's module names are the import paths (`import s3`), which web2py would load as applications.<app>.modules.s3
# a second time. The real path, so that several instances of one checkout share its modules.
_modules = os.path.realpath(os.path.join(request.folder, "modules"))
if _modules not in sys.path:
    sys.path.insert(0, _modules)

from s3 import read_form  # noqa: E402
from s3cfg import S3Config, config_problem  # noqa: E402

s3 = response.s3 = Storage(crud_strings=Storage())
# before anybody asks for variables; whoever takes forms refuses the request
s3.form_error = read_form(request)
# before anybody translates: web2py would write every text without translation into the language files of the checkout
T.is_writable = False
current.deployment_settings = deployment_settings = settings = S3Config()

_config = os.path.join(request.folder, "models", "000_config.py")
if not os.path.exists(_config):
    raise HTTP(503, "This application is not configured: copy private/000_config.py.example to models/000_config.py and edit it.")
# at the terminal the traceback says more
_problem = None if request.is_shell or request.is_scheduler else config_problem(_config, globals())
if _problem:
    raise HTTP(503, _problem)
