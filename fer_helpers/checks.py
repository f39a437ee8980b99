"""Answers to the notebooks' exercises: `checks.q01_2(answer)` says whether exercise 2 of notebook 01 is right.

A check never raises and never stops a notebook: it prints "Right" or what to look at again. An exercise that has not
been answered yet (None or ...) is named as such.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np

from fer_helpers import datasets, labels, metrics, paths, published, records


def _exercise(check: Callable[[object], str | None]) -> Callable[[object], None]:
    """Turn a function that returns what is wrong (None when nothing is) into a check that prints its verdict."""
    number = check.__name__.split("_")[1]

    @wraps(check)
    def print_verdict(answer: object) -> None:
        if answer is None or answer is ...:
            print(f"Exercise {number}: not answered yet.")
            return
        try:
            wrong = check(answer)
        except Exception as error:  # an answer of an unexpected kind is a wrong answer, not a crash
            wrong = f"an answer of this kind cannot be checked ({type(error).__name__}: {error})."
        print(f"Exercise {number}: {'Right.' if wrong is None else f'Not yet: {wrong}'}")

    return print_verdict


def _unless(right: bool, hint: str) -> str | None:
    return None if right else hint


def _share(answer: object, right: float, tolerance: float, hint: str) -> str | None:
    """Compare a share; 62.8 in place of .628 gets a hint of its own."""
    given = float(str(answer).strip())
    if np.isclose(given, 100 * right, atol=100 * tolerance):
        return "a share is wanted, not per cent."
    return _unless(np.isclose(given, right, atol=tolerance), hint)


def _yes(answer: object, hint: str) -> str | None:
    if not isinstance(answer, bool | np.bool_):
        return "give True or False, without quotation marks."
    return _unless(bool(answer), hint)


# 00_start_here


@_exercise
def q00_1(answer: object) -> str | None:
    """Pictures of facekit's PrivateTest on which all ten annotators agree."""
    votes = datasets.load("facekit").split("PrivateTest").votes
    right = int((votes.max(axis=1) == votes.sum(axis=1)).sum())
    return _unless(answer == right, "count the rows of the PrivateTest votes whose largest entry is 10.")


@_exercise
def q00_2(answer: object) -> str | None:
    """Test images for which the Wilson interval of 73 % reaches one point to either side, within 3 %."""
    if int(answer) < 1:
        return "give a number of images."
    low, high = metrics.wilson_interval(round(0.73 * int(answer)), int(answer))
    if (high - low) / 2 > 0.0101:
        return f"with {answer} images the interval is {high - low:.4f} wide, more than .02: take more images."
    return _unless((high - low) / 2 > 0.0098, f"{answer} images are more than it takes.")


@_exercise
def q00_3(answer: object) -> str | None:
    """P-value of McNemar's test: only A right on 60 images, only B on 90."""
    only_a = np.repeat([True, False], [60, 90])
    hint = "give metrics.mcnemar two bool arrays of 150 images, one the opposite of the other."
    return _unless(np.isclose(float(answer), metrics.mcnemar(only_a, ~only_a), atol=5e-4), hint)


@_exercise
def q00_4(answer: object) -> str | None:
    """Accuracy of the majority baseline on FER2013's PrivateTest."""
    return _share(answer, 879 / 3589, 5e-4, "divide the largest class by the sum of all seven.")


@_exercise
def q00_5(answer: object) -> str | None:
    """Split on which epochs are chosen."""
    split = str(answer).replace(" ", "").lower()
    if split == "privatetest":
        return "PrivateTest is only for the report: what you choose on it, you can no longer measure on it."
    if split == "training":
        return "on Training, more epochs nearly always look better."
    return _unless(split == "publictest", "give the name of one of the three splits, as a string.")


@_exercise
def q00_6(answer: object) -> str | None:
    """Inferring emotions of staff under Article 5(1)(f) of Regulation (EU) 2024/1689."""
    hint = "it infers emotions at work; rating people is neither a medical nor a safety reason."
    return _unless(isinstance(answer, str) and answer.strip().lower() == "prohibited", hint)


# 01_dataset


@_exercise
def q01_1(answer: object) -> str | None:
    """Balanced class weight of disgust in facekit's Training split."""
    counts = datasets.load("facekit").counts().loc["Training"]
    right = np.isclose(float(answer), counts.sum() / (7 * counts["disgust"]), rtol=0.005)
    return _unless(right, "all images of Training, divided by 7 times those of disgust.")


@_exercise
def q01_2(answer: object) -> str | None:
    """What the FER+ majority rule makes of three rows of votes: an emotion's name, or "dropped"."""
    words, right = [str(word).strip().lower() for word in answer], ["surprise", "dropped", "fear"]
    if len(words) != len(right):
        return "give three words, one a row."
    if unknown := set(words) - {*labels.FERPLUS_VOTES, "dropped"}:
        return f'{min(unknown)!r} is no name: use the names of the table, or "dropped".'
    wrong = [row for row in range(len(right)) if words[row] != right[row]]
    rule = 'strike the single votes; the winner must hold more than half of what is left, or the row is "dropped".'
    return f"row {wrong[0] + 1}: {rule}" if wrong else None


@_exercise
def q01_3(answer: object) -> str | None:
    """How often one annotator, drawn by chance, says the label of a facekit PrivateTest image."""
    test = datasets.load("facekit").split("PrivateTest")
    right = np.mean(test.votes[np.arange(len(test)), test.labels] / 10)
    return _share(answer, right, 0.005, "the mean, over the images, of the label's share of ten votes.")


@_exercise
def q01_4(answer: object) -> str | None:
    """The action units that stand in the recipe of exactly one emotion."""
    from fer_helpers.facekit.expressions import RECIPE

    if not isinstance(answer, set | list | tuple) or not all(str(unit).startswith("AU") for unit in answer):
        return 'give a set of names such as {"AU1", "AU2"}.'
    units = [unit for recipe in RECIPE.values() for unit in recipe]
    right, given = {unit for unit in units if units.count(unit) == 1}, set(answer)
    if given - right:
        return f"{min(given - right)} is not one of them."
    return _unless(given == right, f"{len(right - given)} more are missing.")


@_exercise
def q01_5(answer: object) -> str | None:
    """Official PrivateTest accuracy of a network that is right on .60 of unseen and .95 of leaked images."""
    right = (0.60 * (3589 - 288) + 0.95 * 288) / 3589
    return _share(answer, right, 0.0015, "weigh both accuracies by their 3,301 and 288 images.")


# 02_preprocessing


@_exercise
def q02_1(answer: object) -> str | None:
    """Histogram equalisation of the four pixels 10, 20, 20, 30."""
    levels = np.ravel(answer).tolist()
    if len(levels) != 4:
        return "give four grey levels, one a pixel."
    if levels[1] != levels[2]:
        return "pixels of equal grey stay equal."
    hint = "the cumulative counts are 1, 3, 4; subtract the darkest level's, divide by 3, multiply by 255."
    return _unless(levels == [0, 170, 170, 255], hint)


@_exercise
def q02_2(answer: object) -> str | None:
    """Pixels of a tile, and curves in all, of CLAHE with 6 x 6 tiles on a 48 x 48 image."""
    pixels, curves = answer
    if pixels != 8 * 8:
        return "tileGridSize is the number of tiles along each side, not their size in pixels."
    return _unless(curves == 6 * 6, "each tile has a curve of its own.")


@_exercise
def q02_3(answer: object) -> str | None:
    """Smallest clip limit at which a bar of a 12 x 12 tile may hold three pixels: 3 * 256 / 144."""
    hint = "limit x 144 / 256 must reach 3: solve for the limit."
    return _unless(np.isclose(float(answer), 3 * 256 / 144, atol=0.01), hint)


@_exercise
def q02_4(answer: object) -> str | None:
    """Mean to subtract in an application of a network that was trained per pixel."""
    hints = {
        "A": "that is the live-demo trap of section 9.",
        "C": "then the answer for a face depends on the faces before it.",
    }
    letter = str(answer).strip().upper()
    return _unless(letter == "B", hints.get(letter, 'give "A", "B" or "C".'))


@_exercise
def q02_5(answer: object) -> str | None:
    """Order of the steps of N+A+HE in training."""
    right = ["equalise", "learn the statistics", "standardise", "augment"]
    steps = list(answer)
    if sorted(steps) != sorted(right):
        return "give each of the four strings once."
    if steps.index("learn the statistics") < steps.index("equalise"):
        return "statistics of raw images do not fit equalised ones."
    return _unless(steps == right, "augmentation is a layer of the model, and sees standardised images.")


@_exercise
def q02_6(answer: object) -> str | None:
    """What a negative does to the equalised image."""
    hint = "HE keeps the order of the pixels from dark to bright; a negative turns it round."
    return _unless(str(answer).strip().upper() == "B", hint)


# 03_depth_and_augmentation


@_exercise
def q03_1(answer: object) -> str | None:
    """Parameters of a 5x5 convolution from 32 to 64 channels, with biases."""
    hint = "kernel height x width x channels in x channels out, plus the biases."
    return _unless(int(answer) == 5 * 5 * 32 * 64 + 64, hint)


@_exercise
def q03_2(answer: object) -> str | None:
    """Parameters of Medium with global average pooling in place of Flatten."""
    hint = "only the first dense layer changes: it then sees 64 numbers instead of 2,304."
    return _unless(int(answer) == 2_440_615 - (2304 - 64) * 1024, hint)


@_exercise
def q03_3(answer: object) -> str | None:
    """Share of the images that are mirrored in neither of two epochs."""
    return _share(answer, 0.25, 1e-6, "an image stays unmirrored with probability one half in each epoch.")


@_exercise
def q03_4(answer: object) -> str | None:
    """Does .6313 lie inside the Wilson interval of 2,278 right of 3,589?"""
    return _yes(answer, "compare .6313 with both ends of the interval.")


# 04_what_the_network_sees


@_exercise
def q04_1(answer: object) -> str | None:
    """Grey level that the scaling (g - 127.5) / 127.5 turns into 128."""
    given = float(answer)
    if np.isclose(given, (128 - 127.5) / 127.5, atol=1e-4):
        return "that is what a grey level of 128 becomes; wanted is the grey level that becomes 128."
    hint = "solve (g - 127.5) / 127.5 = 128 for g."
    return _unless(np.isclose(given, 128 * 127.5 + 127.5, atol=0.6), hint)


@_exercise
def q04_2(answer: object) -> str | None:
    """Grad-CAM and HiResCAM of a map (2, 1) with gradient (3, -1) before a Flatten."""
    grad_cam, hirescam = (np.ravel(pair).tolist() for pair in answer)
    if grad_cam != [2, 1]:
        return "Grad-CAM: both places get the mean gradient, (3 - 1) / 2, as their weight."
    return _unless(hirescam == [6, 0], "HiResCAM: each place times its own gradient; below 0 becomes 0.")


@_exercise
def q04_3(answer: object) -> str | None:
    """Pictures for one occlusion map: squares of 8 in steps of 4 on 48 x 48, and the uncovered one."""
    given, places = int(answer), (48 - 8) // 4 + 1
    if given == places**2:
        return "the fall is measured from the uncovered face, which the network must see too."
    return _unless(given == places**2 + 1, "the square's edge stands at 0, 4, ..., 40 along each side.")


@_exercise
def q04_4(answer: object) -> str | None:
    """Probability at log-odds of -4 + 2.5 + 2."""
    if np.isclose(float(answer), 0.5):
        return "those are the log-odds; the probability is 1 / (1 + exp(-log-odds))."
    hint = "add the three log-odds, then p = 1 / (1 + exp(-sum))."
    return _share(answer, 1 / (1 + np.exp(-0.5)), 0.003, hint)


@_exercise
def q04_5(answer: object) -> str | None:
    """Lower end of the Wilson interval of 1 of 1."""
    hint = "metrics.wilson_interval(1, 1) gives both ends: the first one is wanted."
    return _share(answer, metrics.wilson_interval(1, 1)[0], 0.005, hint)


# 05_keypoints_gap_vs_dense


@_exercise
def q05_1(answer: object) -> str | None:
    """Probability of "sad" where a strict detector found no face: 45.0 % of 4,830 among 8,725."""
    if np.isclose(float(answer), 0.450):
        return "that is how many of the sad ones are missed; wanted is how many of the missed ones are sad."
    hint = "how many sad images are missed, and how many images are missed in all?"
    return _share(answer, 0.450 * 4830 / 8725, 0.001, hint)


@_exercise
def q05_2(answer: object) -> str | None:
    """Output channels at which 1/N + 1/9 is one eighth."""
    hint = "the cost ratio is 1/N + 1/D^2 with D = 3: set it to 1/8 and solve for N."
    return _unless(np.isclose(float(answer), 72, atol=0.01), hint)


@_exercise
def q05_3(answer: object) -> str | None:
    """Parameters of the GAP network with ten classes."""
    if int(answer) == 206_392 + 2 * 3 * 3 * 256:
        return "each class has a bias as well."
    hint = "only the last convolution changes: 3 x 3 kernels over 256 maps for each class."
    return _unless(int(answer) == 206_392 + 2 * (3 * 3 * 256 + 1), hint)


@_exercise
def q05_4(answer: object) -> str | None:
    """Parameters of the FC network with global average pooling in place of Flatten."""
    hint = "only the first dense layer changes: it then sees 256 numbers instead of 1,024."
    return _unless(int(answer) == 8_589_880 - (1024 - 256) * 4096, hint)


# 06_landmark_geometry


@_exercise
def q06_1(answer: object) -> str | None:
    """Opening of the slide's lips, points 62 and 66, in outer eye-corner distances."""
    opening, eyes = 1.0, np.hypot(30 - 12, 20 - 24)
    given = float(answer)
    if np.isclose(given, opening, atol=1e-3):
        return "that is the opening in pixels: divide it by the distance between points 36 and 45."
    if np.isclose(given, 2 / eyes, atol=1e-3):
        return "that is the old lip gap; the inner edges are points 62 and 66."
    return _unless(np.isclose(given, opening / eyes, atol=1e-3), "divide one distance by the other.")


@_exercise
def q06_2(answer: object) -> str | None:
    """Tilt of the slide's eye line in degrees: arctan(-2.5 / 12.5)."""
    right, given = np.arctan2(-2.5, 12.5), float(answer)
    if np.isclose(given, right, atol=2e-3):
        return "that is in radians: np.degrees turns it into degrees."
    if np.isclose(given, -np.degrees(right), atol=0.06):
        return "its sign: y grows downwards, and the right eye stands higher."
    hint = "the centre of an eye is the mean of its six points; then arctan(dy / dx)."
    return _unless(np.isclose(given, np.degrees(right), atol=0.06), hint)


@_exercise
def q06_3(answer: object) -> str | None:
    """Degrees by which one pixel tilts an eye line of 15 pixels."""
    given, right = abs(float(answer)), np.arctan(1 / 15)
    if np.isclose(given, right, atol=2e-3):
        return "that is in radians: np.degrees turns it into degrees."
    return _unless(np.isclose(given, np.degrees(right), atol=0.06), "dx is 15, dy is 1.")


@_exercise
def q06_4(answer: object) -> str | None:
    """Parameters of Mini-VGG without dense layers with four input channels."""
    hint = "one channel has 1,178,055, and each further one adds the same number, as section 10 shows."
    return _unless(int(answer) == 1_178_055 + 3 * 3 * 3 * 64, hint)


@_exercise
def q06_5(answer: object) -> str | None:
    """P-value of McNemar's test: only the first right on 309 images, only the second on 292."""
    only_first = np.repeat([True, False], [309, 292])
    hint = "give metrics.mcnemar two bool arrays of 601 images, one the opposite of the other."
    return _unless(np.isclose(float(answer), metrics.mcnemar(only_first, ~only_first), atol=0.006), hint)


# 07_emotional_dan


@_exercise
def q07_1(answer: object) -> str | None:
    """Parameters of the dense layer behind the feature image at 112 pixels: 256 features to 56 x 56 pixels."""
    given = int(answer)
    if given == 112 * 112 * 257:
        return "the feature image has half the side of the picture."
    return _unless(given == 56 * 56 * 257, "each of its pixels has a weight for every feature, and a bias.")


@_exercise
def q07_2(answer: object) -> str | None:
    """The point that z -> (.8 + .6i) z + 5 + 2i brings to (21, 30)."""
    x, y = (float(value) for value in answer)
    right = (21 + 30j - (5 + 2j)) / (0.8 + 0.6j)
    hint = "solve a z + t = 21 + 30i for z; its parts are x and y."
    return _unless(np.allclose([x, y], [right.real, right.imag], atol=0.05), hint)


@_exercise
def q07_3(answer: object) -> str | None:
    """Heat map at a distance of five pixels."""
    hint = "1 / (1 + distance), and the distance follows from Pythagoras."
    return _share(answer, 1 / 6, 0.002, hint)


@_exercise
def q07_4(answer: object) -> str | None:
    """Joint loss as published: .4 x .05 + .6 ln 2."""
    given = float(answer)
    if np.isclose(given, 0.5 * 0.05 + 0.5 * np.log(2), atol=0.002):
        return "that is the loss as coded."
    hint = "weigh .05 by .4 and the cross-entropy, minus the logarithm of one half, by .6."
    return _unless(np.isclose(given, 0.4 * 0.05 + 0.6 * np.log(2), atol=0.002), hint)


@_exercise
def q07_5(answer: object) -> str | None:
    """Whether .465 lies inside the interval of 107 of 213."""
    return _yes(answer, "metrics.wilson_interval(107, 213) begins below .44.")


# 08_augmentation_and_tuning


@_exercise
def q08_1(answer: object) -> str | None:
    """Parameters of ljmu's base CNN on one channel."""
    if int(answer) == 319_527 - 2 * 9:
        return "that is what one filter loses; the first convolution has 16."
    return _unless(int(answer) == 319_239, "only the first convolution reads the channels.")


@_exercise
def q08_2(answer: object) -> str | None:
    """Most filters of a fourth convolution that keep the network smaller than the base CNN."""
    hint = "each filter costs 577 parameters in its convolution and 9 x 128 in the dense layer; 2304 x 128 are saved."
    return _unless(int(answer) == 170, hint)


@_exercise
def q08_3(answer: object) -> str | None:
    """Share trained on of a validation set with .80, if .95 is known of it and .60 of the rest."""
    return _share(answer, 4 / 7, 0.006, "solve .95 s + .60 (1 - s) = .80 for s.")


@_exercise
def q08_4(answer: object) -> str | None:
    """Kernel weights of the tuned CNN left at a sparsity of 90 %."""
    given = int(answer)
    if abs(given - 24_593) <= 1:
        return "375 of the parameters are biases."
    return _unless(abs(given - 24_555) <= 1, "a tenth of the kernel weights is left.")


@_exercise
def q08_5(answer: object) -> str | None:
    """Whether the t-interval of the gains .012, .004 and .020 contains 0: it does."""
    hint = "scipy.stats.ttest_1samp(gains, 0).confidence_interval() has two degrees of freedom here."
    return _yes(answer, hint)


# 09_gan_augmentation


@_exercise
def q09_1(answer: object) -> str | None:
    """Parameters of the published discriminator for seven classes."""
    if int(answer) == 1_659_621 + 48 * 48 + 1:
        return "the rows of the classes have no biases."
    hint = "each class has a row of 48 x 48 numbers; the last layer sees one row, whichever it is."
    return _unless(int(answer) == 1_659_621 + 48 * 48, hint)


@_exercise
def q09_2(answer: object) -> str | None:
    """Log-odds of a discriminator that adds: -0.5 + (0.25 - 1.5)."""
    hint = "changing angry to happy changes the log-odds of every image by the same amount."
    return _unless(np.isclose(float(answer), -1.75, atol=1e-6), hint)


@_exercise
def q09_3(answer: object) -> str | None:
    """Passes over 70,680 images that 18,610 batches of 128 make."""
    given = float(answer)
    if np.isclose(given, 18_610 * 128 / 28_709, atol=0.2):
        return "the notebook trained on all splits but disgust, each image twice: 70,680."
    return _unless(np.isclose(given, 18_610 * 128 / 70_680, atol=0.2), "images shown, divided by images.")


@_exercise
def q09_4(answer: object) -> str | None:
    """Agreement of a generator that does not know its label, asked for seven classes equally often."""
    hint = "whatever the judge says of an image, its label is that one in one case of seven."
    return _share(answer, 1 / 7, 0.002, hint)


@_exercise
def q09_5(answer: object) -> str | None:
    """Frechet distance of normal distributions with means 1 and 3, standard deviations 2 and 1."""
    if np.isclose(float(answer), np.sqrt(5), atol=0.01):
        return "the distance as it is reported is the squared one."
    hint = "the squared difference of the means plus the squared difference of the standard deviations."
    return _unless(np.isclose(float(answer), 5, atol=0.01), hint)


# 10_transfer_learning


@_exercise
def q10_1(answer: object) -> str | None:
    """Parameters of a dense layer from 2,048 to 1,024."""
    if int(answer) == 2048 * 1024:
        return "each of its units has a bias, too."
    return _unless(
        int(answer) == 2048 * 1024 + 1024, "a weight for each pair of input and unit, and the biases."
    )


@_exercise
def q10_2(answer: object) -> str | None:
    """Balanced weight of the class with 100 of 1,000 images, where there are three."""
    if np.isclose(float(answer), 10):
        return "divide by the number of classes as well, so that the mean weight of an image is 1."
    return _unless(
        np.isclose(float(answer), 10 / 3, atol=0.01), "all images / (classes x images of the class)."
    )


@_exercise
def q10_3(answer: object) -> str | None:
    """By how many the right answers to the six other emotions fall while those to disgust rise."""
    before, after = (
        published.confusion("data240", f"ResNet50V2 confusion matrix, {when} class weights")[0].diagonal()
        for when in ("before", "after")
    )
    fewer = int((before - after).sum())  # disgust included
    if int(answer) == fewer:
        return "that includes disgust, of which more are right."
    return _unless(int(answer) == fewer + int(after[1] - before[1]), "leave disgust out of both diagonals.")


@_exercise
def q10_4(answer: object) -> str | None:
    """Pixels by which a turn of 0.3 degrees moves the corner of a 48 x 48 image."""
    if np.isclose(float(answer), 0.3 * 24 * 2**0.5, atol=0.3):
        return "0.3 are degrees here, not radians."
    hint = "the corner is 24 x 1.414 pixels from the centre; an arc is radius times angle in radians."
    return _unless(np.isclose(float(answer), np.radians(0.3) * 24 * 2**0.5, atol=0.006), hint)


@_exercise
def q10_5(answer: object) -> str | None:
    """Macro recall of recalls .9, .5 and .1 with 800, 150 and 50 images."""
    if np.isclose(float(answer), 0.8, atol=1e-3):
        return "that is the accuracy: each image counts the same. Let each class count the same."
    return _share(answer, 0.5, 1e-3, "the plain mean of the three recalls.")


# 11_parameter_counts


@_exercise
def q11_1(answer: object) -> str | None:
    """Parameters of a 3x3 separable convolution from 64 to 128 channels, without biases."""
    if int(answer) == 3 * 3 * 64 * 128:
        return "that is the plain convolution."
    hint = "one 3 x 3 kernel for each of 64 channels, then a 1 x 1 convolution from 64 to 128."
    return _unless(int(answer) == 3 * 3 * 64 + 64 * 128, hint)


@_exercise
def q11_2(answer: object) -> str | None:
    """Multiply-adds of a padded 3x3 convolution with stride 2 from 32 to 64 channels on 24 x 24."""
    if int(answer) == 24 * 24 * 3 * 3 * 32 * 64:
        return "with stride 2 the kernel stands on every second pixel only."
    hint = "the weights of the kernel, times the places of the map that it makes."
    return _unless(int(answer) == 12 * 12 * 3 * 3 * 32 * 64, hint)


@_exercise
def q11_3(answer: object) -> str | None:
    """Megabytes of the InceptionV3 branch's 21,825,325 parameters in float32."""
    given, right = float(answer), 4 * 21_825_325 / 1e6
    if np.isclose(given, 4 * 21_825_325 / 2**20, atol=0.06):
        return "those are MiB of 1,048,576 bytes; wanted are MB of 1,000,000."
    return _unless(np.isclose(given, right, atol=0.06), "a float32 has 32 bits, a byte has 8.")


@_exercise
def q11_4(answer: object) -> str | None:
    """Share of the "Xception" in the trained parameters of top-3."""
    hint = "69,223 of 25,100,129."
    return _share(answer, 69_223 / 25_100_129, 5e-5, hint)


@_exercise
def q11_5(answer: object) -> str | None:
    """What "+0.9" should be: percentage points from .54 to .61."""
    given = float(answer)
    if np.isclose(given, 0.07):
        return "that is the difference of the shares; wanted are percentage points."
    return _unless(np.isclose(given, 7), "subtract the two bars of the slide, in percent.")


# 12_ensembling


@_exercise
def q12_1(answer: object) -> str | None:
    """Soft and hard vote of (.50, .45, .05), (.10, .60, .30), (.55, .40, .05) over angry, happy, sad."""
    soft, hard = (str(word).strip().lower() for word in answer)
    if hard != "angry":
        return "hard vote: each network names its largest; count the names."
    return _unless(soft == "happy", "soft vote: add up each column; the largest sum wins.")


@_exercise
def q12_2(answer: object) -> str | None:
    """Accuracy of the majority of three independent networks that are right with probability .7."""
    hint = "all three are right, or exactly two: .7^3 + 3 x .7^2 x .3."
    return _share(answer, 0.7**3 + 3 * 0.7**2 * 0.3, 5e-4, hint)


@_exercise
def q12_3(answer: object) -> str | None:
    """Oracle of two networks with accuracies .60 and .55 that are both right on .45."""
    hint = "right is the first, or the second; who is counted twice?"
    return _share(answer, 0.60 + 0.55 - 0.45, 1e-3, hint)


@_exercise
def q12_4(answer: object) -> str | None:
    """Smallest possible agreement of two networks with accuracies .80 and .70."""
    hint = "where both are right they agree; make that share as small as it can be, and let them differ elsewhere."
    return _share(answer, 0.50, 1e-3, hint)


@_exercise
def q12_5(answer: object) -> str | None:
    """First member's weight after one step: right class with .8 and .2, the second's with .4 and .6."""
    if np.isclose(float(answer), 0.5):
        return "that is where the step begins: of each image, take the first member's part of both probabilities."
    return _share(answer, (0.8 / 1.2 + 0.2 / 0.8) / 2, 6e-4, "the parts are .8 / 1.2 and .2 / .8.")


# 13_across_databases


@_exercise
def q13_1(answer: object) -> str | None:
    """What CK+'s happy (5) becomes when its numbers are read with AffectNet's codes."""
    given = str(answer).strip().lower()
    if given == "happy":
        return "that is what it is; wanted is what a reader with AffectNet's codes takes it for."
    hint = "look up CK+'s number of happy, and AffectNet's emotion of that number."
    return _unless(given == "disgust", hint)


@_exercise
def q13_2(answer: object) -> str | None:
    """Accuracy of uvic_cnn's Figure 4 in three classes, surprised faces left out."""
    matrix, classes = published.confusion("uvic_cnn", "Figure 4")
    groups = {"happy": "positive", "neutral": "neutral", "surprise": ""}
    group = np.array([groups.get(name, "negative") for name in classes])
    used = group != ""
    right = (matrix * (group[:, None] == group))[used].sum() / matrix[used].sum()
    if np.isclose(float(answer), (matrix * (group[:, None] == group))[used].sum() / matrix.sum(), atol=5e-4):
        return "the surprised faces are left out of the count of all faces, too."
    hint = "leave out the row of surprise, not its column; right is what has one group for row and column."
    return _share(answer, right, 5e-4, hint)


@_exercise
def q13_3(answer: object) -> str | None:
    """Always saying the commonest group of CK+'s last frames, surprise positive: 157 of 309."""
    hint = "negative are 45 + 59 + 25 + 28 sequences, positive 69 + 83."
    return _share(answer, 157 / 309, 1e-3, hint)


@_exercise
def q13_4(answer: object) -> str | None:
    """Smallest p of McNemar's test for JAFFE's .502 and .465 on 213 pictures: 8 pictures, all in favour of one."""
    given = float(answer)
    if np.isclose(given, 0.5**8, atol=1e-4):
        return "the test is two-sided: twice that."
    hint = "how many pictures more does CNN (5) have right? Let it be right alone on just those."
    return _unless(np.isclose(given, 2 * 0.5**8, atol=2e-4), hint)


@_exercise
def q13_5(answer: object) -> str | None:
    """Accuracy on the faces found: .9 of 97 happy and .5 of 60 sad ones."""
    given = float(answer)
    if np.isclose(given, (97 * 0.9 + 60 * 0.5) / 200, atol=1e-3):
        return "that counts the faces not found as wrong; wanted is the accuracy on those found."
    hint = "157 faces are found: of how many of them is the network right?"
    return _share(answer, (97 * 0.9 + 60 * 0.5) / 157, 1e-3, hint)


# 14_live_demo


@_exercise
def q14_1(answer: object) -> str | None:
    """Frames a second with 10 ms for detection and 5 ms for the network."""
    given = float(answer)
    if np.isclose(given, 1000 / 105, atol=0.1):
        return "that is the application as it was: make the 100 ms ten times shorter."
    hint = "a second has 1000 ms; add up what one frame takes."
    return _unless(np.isclose(given, 1000 / 15, atol=0.5), hint)


@_exercise
def q14_2(answer: object) -> str | None:
    """Side of the crop around a box of 100 pixels, framed as facekit."""
    given = float(answer)
    if np.isclose(given, 121, atol=0.5):
        return "the margin is added on both sides."
    return _unless(np.isclose(given, 142, atol=0.5), "the square is 1 + 2 margin widths of the box wide.")


@_exercise
def q14_3(answer: object) -> str | None:
    """Seconds until the past weighs one half: 0.3 ln 2."""
    hint = "what was before weighs exp(-t / 0.3): for which t is that one half?"
    return _unless(np.isclose(float(answer), 0.3 * np.log(2), atol=0.003), hint)


@_exercise
def q14_4(answer: object) -> str | None:
    """Largest move of a box, in widths, that keeps an intersection over union of 0.3."""
    hint = "after a move by s the boxes share 1 - s and cover 1 + s together; solve for 0.3."
    return _share(answer, 0.7 / 1.3, 0.004, hint)


@_exercise
def q14_5(answer: object) -> str | None:
    """Training pictures of class folders with 50 and 30 pictures."""
    given = int(answer)
    if given == 72:
        return "PublicTest takes a share too."
    return _unless(given == 64, "of each class, a tenth goes to PublicTest and a tenth to PrivateTest.")


# 15_beyond_the_papers


@_exercise
def q15_1(answer: object) -> str | None:
    """Parameters of a compact stage from 16 to 32 channels, with two batch normalisations of 4 a channel."""
    weights = 9 * 16 * 32 + 9 * 32 * 32 + 16 * 32
    given = float(answer)
    if given in (weights, weights + 2 * 2 * 32):
        return "batch normalisation has four numbers a channel: scale, offset, mean and variance."
    if given == weights - 16 * 32 + 2 * 4 * 32:
        return "the shortcut has a convolution of its own."
    hint = "two convolutions of 3 x 3 with batch normalisation, and one of 1 x 1 without for the shortcut."
    return _unless(given == weights + 2 * 4 * 32, hint)


@_exercise
def q15_2(answer: object) -> str | None:
    """Calibration error of 100 answers of .9, 80 right, and 300 of .6, 195 right."""
    given = float(answer)
    if np.isclose(given, (0.1 + 0.05) / 2, atol=1e-4):
        return "the bins have different numbers of answers: weigh them."
    if np.isclose(given, abs(100 * 0.1 - 300 * 0.05) / 400, atol=1e-4):
        return "too sure in one bin and too modest in the other do not cancel: take distances."
    hint = "accuracies are .8 and .65; weigh the distances by the shares of the answers."
    return _share(answer, (100 * 0.1 + 300 * 0.05) / 400, 1e-4, hint)


@_exercise
def q15_3(answer: object) -> str | None:
    """Probability .8 of two at temperature 2."""
    if np.isclose(float(answer), np.sqrt(0.8), atol=1e-3):
        return "the two probabilities must sum to 1 again."
    hint = "take both probabilities to the power of one half and divide by their sum."
    return _share(answer, np.sqrt(0.8) / (np.sqrt(0.8) + np.sqrt(0.2)), 1e-3, hint)


@_exercise
def q15_4(answer: object) -> str | None:
    """Accuracy of the withheld fifth, where .68 of all and .75 of the rest are right."""
    hint = "of 100 faces 68 are right, and .75 of the 80 that get an answer: how many are left?"
    return _share(answer, (0.68 - 0.8 * 0.75) / 0.2, 1e-3, hint)


@_exercise
def q15_5(answer: object) -> str | None:
    """Accuracy on PrivateTest with .91 on the 288 copies and .68 on the rest."""
    given = float(answer)
    if np.isclose(given, (0.91 + 0.68) / 2, atol=1e-4):
        return "the copies are a small part of the images: weigh by numbers."
    return _share(answer, (288 * 0.91 + 3301 * 0.68) / 3589, 3e-4, "3,301 images have no copy.")


# 90_results


def _medium() -> tuple[np.ndarray, np.ndarray]:
    """Confusion matrices of the committed Medium+N+A run: PrivateTest, and its clean part."""
    scores = records.read(records.path(paths.REPORTS / "full", "uvic_cnn/medium_n_a", 0))["metrics"]
    return tuple(np.array(scores[name]["confusion"]) for name in ("PrivateTest", "PrivateTest clean"))


@_exercise
def q90_1(answer: object) -> str | None:
    """Accuracy of Medium+N+A on the images that clean PrivateTest leaves out."""
    removed = np.subtract(*_medium())
    right = np.trace(removed) / removed.sum()
    return _share(answer, right, 0.002, "subtract the two confusion matrices: what is left are those images.")


@_exercise
def q90_2(answer: object) -> str | None:
    """Accuracy on all of PrivateTest if every class had the recall that it has on the clean part."""
    official, clean = _medium()
    recall = np.diag(clean) / clean.sum(axis=1)
    right = (recall * official.sum(axis=1)).sum() / official.sum()
    return _share(answer, right, 0.001, "weigh the seven clean recalls by the official numbers of images.")
