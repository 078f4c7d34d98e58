"""The deployment templates: one package each, with a config.py. The older place private/templates is searched after this folder."""
import os

_APPLICATION = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
__path__.append(os.path.join(_APPLICATION, "private", "templates"))
