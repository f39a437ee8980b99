"""Helper module of the facial emotion recognition course: one room a file, data flowing one way.

datasets -> preprocess / augment -> architectures -> training -> evaluation -> run record -> notebooks -> reports
"""

__version__ = "0.1.0"
