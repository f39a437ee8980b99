"""`python -m fer_helpers.facekit`: render the embedded data set again."""

import sys

from fer_helpers.errors import FerError

try:
    from fer_helpers.facekit.generate import main  # needs numba, and says so

    main()
except FerError as error:
    sys.exit(f"Error: {error}")
