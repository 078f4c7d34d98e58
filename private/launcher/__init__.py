"""The launcher behind manage.py: environment, instances, processes, and the commands built from them."""
