"""The command line, one file per command with `add_arguments(parser)` and `run(args) -> exit status`.

`mtpviz/__main__.py` lists the commands and turns a UserError into one sentence and exit status 2.
"""
