"""Every conclusion of the five papers, once: paper, place, claim in our words, and the evidence that decides it.

A note says what the reader must know of the comparison; it has no figures of ours.
"""

from dataclasses import dataclass

from fer_helpers.report import counted, measured
from fer_helpers.report.evidence import MISSING, All, Evidence, Pair, Recalls, Row, Unmeasured

POINT = 0.01  # one percentage point of accuracy; less is called no gain


@dataclass(frozen=True)
class Conclusion:
    """A claim of a paper, in our words, and what speaks for or against it."""

    place: str
    claim: str
    evidence: Evidence
    note: str = ""


def _drawn(at_least: float) -> All:
    """Networks with drawn key-points beside those without: both heads, both policies."""
    pairs = [(f"{head}_{policy}", head) for head in ("gap", "fc") for policy in ("keep", "whole_crop")]
    return All(tuple(Pair(f"ucf_keypoints/{a}", f"ucf_keypoints/{b}", at_least) for a, b in pairs))


UCF = (
    Conclusion(
        "Section 1",
        "Drawn key-points help a network to tell emotions apart",
        _drawn(at_least=0),
        "GAP and dense layers, each with both policies for faces that dlib does not find",
    ),
    Conclusion(
        "Section 6",
        "Key-points cost accuracy slightly, 5 % at most",
        _drawn(at_least=-5 * POINT),
        "points are meant, as in the paper's Table 1",
    ),
    Conclusion(
        "Section 6",
        "Pooling needs far fewer parameters than dense layers",
        counted.fewer("ucf_keypoints.gap", "ucf_keypoints.fully_connected", times=10),
        "far: ten times",
    ),
    Conclusion(
        "Section 3.2.2",
        "Pooling costs only about one point of accuracy",
        Pair("ucf_keypoints/fc", "ucf_keypoints/gap", at_least=POINT, at_most=POINT),
        "1 % in the paper, which means points, as in its Table 1",
    ),
    Conclusion(
        "Section 3.2.2",
        "Pooling makes the network several times faster",
        counted.pooling_is_several_times_faster,
        "several: three; most of the work lies in the convolutions, which both share",
    ),
    Conclusion("Section 3.2.2", "The network with dense layers weighs 99 MB", counted.size_of_dense_network),
    Conclusion(
        "Section 3.2.2",
        "Both networks are over 80 % accurate",
        counted.both_heads_over_80,
        "the paper contradicts itself",
    ),
    Conclusion(
        "Section 4, Figure 5",
        "Happy, neutral, surprise and anger are recognised best; contempt, fear and disgust worst",
        Recalls(
            "ucf_keypoints/gap_keep",
            best=("happy", "neutral", "surprise", "angry"),
            worst=("contempt", "fear", "disgust"),
        ),
    ),
)

UVIC = (
    Conclusion(
        "Section 4, Table 1",
        "A third convolution makes the network more accurate",
        Pair("uvic_cnn/medium_n", "uvic_cnn/shallow_n"),
    ),
    Conclusion(
        "Section 4, Table 1",
        "Eight convolutions are more accurate than three",
        Pair("uvic_cnn/deep_n_a", "uvic_cnn/medium_n_a"),
    ),
    Conclusion(
        "Section 4",
        "A deeper network need not have more parameters",
        counted.fewer("uvic_cnn.medium", "uvic_cnn.shallow"),
        "Medium against Shallow",
    ),
    Conclusion(
        "Section 4, Table 2",
        "Augmentation makes Medium more accurate",
        Pair("uvic_cnn/medium_n_a", "uvic_cnn/medium_n"),
    ),
    Conclusion(
        "Section 4, Table 1",
        "Augmentation makes Deep more accurate",
        Pair("uvic_cnn/deep_n_a", "uvic_cnn/deep_n"),
    ),
    Conclusion(
        "Section 4",
        "Augmentation gains about 10 %",
        Pair("uvic_cnn/medium_n_a", "uvic_cnn/medium_n", 10 * POINT, 10 * POINT, ambiguous=True),
        "the paper does not say of what; its Table 2 gives 6.7 points or 12 %",
    ),
    Conclusion(
        "Section 3.2",
        "Histogram equalisation is an advantage",
        Pair("uvic_cnn/medium_n_a_he", "uvic_cnn/medium_n_a"),
        "the paper's own Table 2 says the opposite",
    ),
    Conclusion(
        "Section 7, Table 1",
        "The best network reaches .6823, near the winner of the contest",
        Row("uvic_cnn/deep_n_a"),
    ),
    Conclusion(
        "Abstract",
        "A single CNN is promising without much preprocessing",
        Unmeasured("the paper does not say what would not be promising"),
    ),
    Conclusion(
        "Section 4, Figure 4",
        "Happy, surprise and neutral are recognised best",
        Recalls("uvic_cnn/medium_n_a", best=("happy", "surprise", "neutral")),
    ),
    Conclusion(
        "Section 4, Figure 4",
        "Disgust is the most difficult class",
        Recalls("uvic_cnn/medium_n_a", worst=("disgust",)),
    ),
    Conclusion(
        "Section 4, Figure 4", "Disgust is mostly taken for anger", measured.disgust_is_taken_for_anger
    ),
    Conclusion(
        "Section 6.1",
        "The live demonstration labels ten frames a second",
        measured.ten_frames_a_second,
        "another computer than the paper's, and no GPU",
    ),
    Conclusion(
        "Section 6.1",
        "Slight smiles are recognised, anger only when exaggerated",
        measured.slight_smiles_are_seen,
        "rendered faces, Medium+N+A; slight: half of the movement",
    ),
    Conclusion(
        "Section 6.1, Figure 6",
        "AU4 or AU22 alone makes anger likelier, and the answer stays neutral",
        measured.one_action_unit_stays_neutral,
        "rendered faces, Medium+N+A",
    ),
    Conclusion(
        "Section 6.1, Figure 6",
        "AU4 and AU22 together make the answer angry",
        measured.two_action_units_are_anger,
        "rendered faces, Medium+N+A; the paper shows one person",
    ),
    Conclusion(
        "Section 6.1",
        "The demonstration struggles in bad light",
        Unmeasured("no camera pictures with labels and known light"),
    ),
    Conclusion(
        "Section 5",
        "One can guess from the filters that the network was trained on faces",
        Unmeasured("nobody was asked to guess; notebook 04 shows such pictures"),
    ),
)

DAN = (
    Conclusion(
        "Abstract",
        "A landmark term in the loss makes emotions more accurate",
        Pair("emotionaldan/dan_facekit", "emotionaldan/dan_facekit_alpha_0"),
        "rendered faces with true landmarks, narrow network",
    ),
    Conclusion(
        "Abstract, Section 3.2",
        "EmotionalDAN leads by up to 5 % on CK+ and ISED",
        counted.lead_of_emotionaldan,
        "by the paper's own tables; those data may not be passed on",
    ),
    Conclusion(
        "Section 5",
        "EmotionalDAN can be more accurate than plain CNNs",
        All(
            (
                Pair("emotionaldan/dan_fer2013", "emotionaldan/cnn2_fer2013"),
                Pair("emotionaldan/dan_fer2013", "emotionaldan/cnn5_fer2013"),
            )
        ),
        "FER2013 in place of AffectNet",
    ),
    Conclusion(
        "Section 3.2",
        "Plain CNNs are competitive, simple as they are",
        Pair("emotionaldan/cnn5_fer2013", "emotionaldan/dan_fer2013", at_least=-3 * POINT),
        "competitive: not three points behind",
    ),
    Conclusion(
        "Table 1",
        "Five convolutions are more accurate than two",
        Pair("emotionaldan/cnn5_fer2013", "emotionaldan/cnn2_fer2013"),
    ),
    Conclusion(
        "Section 2",
        "The stages give robust landmarks",
        measured.stages_locate_landmarks,
        "rendered faces; robust: nearer than dlib's",
    ),
    Conclusion(
        "Section 3.2",
        "JAFFE is harder because of how its pictures were taken",
        Unmeasured("JAFFE may not be passed on; `python -m fer_helpers across --layout jaffe` reads a copy"),
    ),
    Conclusion(
        "Table 1",
        "Inception-V3 and EmotionNet 2 are far less accurate",
        Unmeasured("not planned: of Inception-V3 the paper trains the last layer only", MISSING),
    ),
)

_GAN = (("tuned_gan", "tuned"), ("reference_gan", "reference"), ("mobilenet_v2_gan", "mobilenet_v2"))
LJMU = (
    Conclusion(
        "Conclusion",
        "Horizontal flip and translation are the best augmentations",
        measured.shift_and_flip_are_best,
        "base CNN, on the selection set",
    ),
    Conclusion(
        "Chosen augmentation",
        "The reference CNN is more accurate than the tuned CNN",
        Pair("ljmu/reference", "ljmu/tuned"),
    ),
    Conclusion(
        "Chosen augmentation",
        "Transfer learning with MobileNetV2 is less accurate than the tuned CNN",
        Pair("ljmu/tuned", "ljmu/mobilenet_v2"),
    ),
    Conclusion(
        "Conclusion",
        "Images of the GAN do not raise test accuracy",
        All(
            tuple(
                Pair(f"ljmu/{first}", f"ljmu/{second}", at_least=-1, at_most=POINT) for first, second in _GAN
            )
        ),
        "less than a point is no gain",
    ),
    Conclusion(
        "Future work",
        "Generated images of disgust, too, would help",
        Pair("ljmu/tuned_gan_balanced", "ljmu/tuned"),
    ),
    Conclusion(
        "Conclusion",
        "Better generated images would make the network more accurate",
        Unmeasured("no better generator was trained"),
    ),
    Conclusion(
        "Chosen augmentation, GAN data",
        "MobileNetV2 reaches a validation accuracy of .9599",
        measured.leak_explains_validation,
        "held would mean: without a leak",
    ),
    Conclusion("Conclusion", "The CNN of the study has 319,527 parameters", counted.cnn_of_the_tables),
    Conclusion(
        "Conclusion",
        "The networks are very compact for their accuracy",
        counted.compact_networks,
        "beside the packages in `data/packages.csv`, which are measured on PrivateTest",
    ),
    Conclusion(
        "Objectives",
        "Pruning gives a compact network",
        measured.pruning_gives_a_compact_model,
        "the slides list small networks instead",
    ),
)

DATA240 = (
    Conclusion(
        "Mini-VGG",
        "Alignment makes Mini-VGG without dense layers more accurate",
        Pair("data240/mini_vgg_no_fc_aligned", "data240/mini_vgg_no_fc"),
    ),
    Conclusion(
        "Mini-VGG",
        "Alignment makes Mini-VGG more accurate",
        Pair("data240/mini_vgg_aligned", "data240/mini_vgg"),
    ),
    Conclusion(
        "Mini-VGG",
        "Mini-VGG is more accurate without its dense layer",
        Pair("data240/mini_vgg_no_fc", "data240/mini_vgg"),
    ),
    Conclusion("Mini-VGG", "Eight distances between landmarks are not good", measured.distances_are_not_good),
    Conclusion(
        "Mini-VGG",
        "A second channel with drawn landmarks is not good",
        Pair(
            "data240/mini_vgg_no_fc_facekit_drawn",
            "data240/mini_vgg_no_fc_facekit",
            at_least=-1,
            at_most=POINT,
        ),
        "rendered faces; not good: gains less than a point",
    ),
    Conclusion(
        "ResNet50V2",
        "ResNet50V2 gains when it is unfrozen",
        Pair("data240/resnet50v2", "data240/resnet50v2_frozen"),
    ),
    Conclusion(
        "Class weighting",
        "Class weights cost accuracy and raise macro recall",
        measured.class_weights("data240/resnet50v2_unweighted", "data240/resnet50v2_weighted"),
        "shown in the slides' reports, and not remarked on; a third phase with and without them",
    ),
    Conclusion(
        "Class weighting",
        "The same, on the small CNN that is called Xception",
        measured.class_weights("data240/called_xception", "data240/called_xception_weighted"),
        "not in the slides; the pair that could be trained to its end here",
    ),
    Conclusion(
        "InceptionV3",
        "InceptionV3 has 315 times the parameters of the simple CNN",
        counted.ratio_of_inception,
    ),
    Conclusion(
        "Ensemble",
        "Three networks together are more accurate than the best of them",
        measured.top_3_beats_its_members,
        "other members than the slides': our three best on PublicTest",
    ),
    Conclusion(
        "Ensemble", "Top-3 consists of MobileNet, Inception and Xception", counted.third_member_is_xception
    ),
    Conclusion(
        "Conclusion",
        "The data are of bad quality",
        measured.data_quality,
        "bad: more than one image of twenty",
    ),
)

CONCLUSIONS = {"ucf_keypoints": UCF, "uvic_cnn": UVIC, "emotionaldan": DAN, "ljmu": LJMU, "data240": DATA240}
