"""`python -m fer_helpers.facekit`: render the embedded data set again; `... probe`: the action-unit probe."""

import sys

from fer_helpers.errors import FerError

try:  # both need numba, and say so
    if sys.argv[1:2] == ["probe"]:
        from fer_helpers.facekit.probe import main

        main(sys.argv[2:])
    else:
        from fer_helpers.facekit.generate import main

        main()
except FerError as error:
    sys.exit(f"Error: {error}")
