"""`python -m fer_helpers`: the command line."""

from fer_helpers.cli import main

main()
