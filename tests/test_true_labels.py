"""The committed labels of the test images against the data sets themselves."""

import numpy as np
import pytest

from fer_helpers import datasets, true_labels
from fer_helpers.errors import FerError


@pytest.mark.real_data
@pytest.mark.parametrize("name", true_labels.DATA_SETS)
@pytest.mark.parametrize("split", ["PublicTest", "PrivateTest"])
def test_labels_and_clean_are_those_of_the_data_set(name, split):
    rows, read = datasets.load(name).split(split), true_labels.read(name, split)
    np.testing.assert_array_equal(read.labels, rows.labels)
    np.testing.assert_array_equal(read.clean, rows.clean)


def test_sizes_without_the_data():
    sizes = {
        name: [len(true_labels.read(name, s).labels) for s in ("PublicTest", "PrivateTest")]
        for name in ("fer2013", "ferplus", "facekit")
    }
    assert sizes == {"fer2013": [3589, 3589], "ferplus": [3191, 3137], "facekit": [500, 500]}
    assert true_labels.read("fer2013", "PrivateTest").clean.sum() == 3252
    assert true_labels.read("ferplus", "PrivateTest").clean.sum() == 2862
    with pytest.raises(FerError, match="'jaffe' are not part of the course"):
        true_labels.read("jaffe", "PrivateTest")
