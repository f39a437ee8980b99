"""Names of emotions, splits and votes, in the order in which the data sets number them."""

# FER2013's own numbering (Goodfellow et al. 2013): the label 0 in fer2013.csv is "angry".
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

# FER+ (Barsoum et al. 2016): order of the vote columns in Microsoft's files.
FERPLUS_EMOTIONS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
FERPLUS_VOTES = (*FERPLUS_EMOTIONS, "unknown", "not a face")

TRAINING, PUBLIC_TEST, PRIVATE_TEST = SPLITS = ("Training", "PublicTest", "PrivateTest")

# The papers that report both test splits as one; then a part of Training selects, so that both stay unseen.
MERGED, HELD_OUT = "PublicTest and PrivateTest", "a fifth of Training"
# The images of PublicTest that stand in no other split (see `datasets.clean_rows`): what selects our own networks.
CLEAN_PUBLIC_TEST = "clean PublicTest"
# What must not be: a selection set that is trained on as well. It is here to show what that does (ljmu, row 10).
LEAKED = "a fifth of the images trained on"

IMAGE_SIZE = 48

# Answers averaged over a picture and its mirror image, or over ten crops: behind the name of the split.
MIRRORED, TEN_CROPS = "mirror-averaged", "ten-crop"
