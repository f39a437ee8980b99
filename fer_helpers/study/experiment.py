"""What an experiment is: one declarative entry, from the data set to the recipe."""

from dataclasses import dataclass

from fer_helpers.labels import PUBLIC_TEST


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The rate is multiplied by `plateau_factor` after `plateau_patience` flat epochs."""

    epochs: int
    batch_size: int
    learning_rate: float  # Adam
    plateau_factor: float = 0.5
    plateau_patience: int = 25
    min_learning_rate: float = 1e-4
    stop_patience: int = 50  # epochs without a better selection accuracy
    training_images: int | None = None  # at most so many, drawn by the seed; None: all
    cosine: bool = False  # the rate falls along half a cosine wave instead, to 0 after the last epoch
    landmark_epochs: int = 0  # before these, of the landmark stage alone (emotionaldan)
    vary: float = 0.0  # how much images and landmarks are turned, scaled and shifted together (emotionaldan)


# Shows the mechanism on a laptop in seconds. No lesson rests on its accuracy.
QUICK = Recipe(epochs=6, batch_size=64, learning_rate=1e-3, training_images=1500)


@dataclass(frozen=True)
class Experiment:
    """One row of one table of one paper, or a variant that the course adds to it."""

    id: str
    title: str
    rows: tuple[tuple[str, str], ...]  # (table, row) in data/published.csv; none for a variant of ours
    dataset: str  # in the full profile; the quick profile always trains on the embedded data set
    architecture: str
    preprocess: tuple[str, ...]
    augment: tuple[str, ...]
    recipe: Recipe
    selection: str = (
        PUBLIC_TEST  # what selects the epoch: PublicTest, or HELD_OUT where the paper reports both tests
    )
    loss_weights: tuple[float, ...] = ()  # of landmarks and emotion (emotionaldan); none: a plain classifier
    landmarks: str = ""  # policy of `landmarks.attach` for faces that dlib does not find; empty: no landmarks
    pretrained: str = (
        ""  # network in `architectures.pretrained` whose ImageNet weights the full profile starts from
    )
    generated: str = ""  # set of images of `bicogan` that the training rows get as well; empty: none
    start: str = (
        ""  # experiment from whose best weights this one goes on, as its next phase; empty: fresh ones
    )
    class_weights: bool = False  # whether every class weighs the same in the loss, however many images it has
    variant: str = ""  # what sets it apart where several experiments answer the same row
    quick: Recipe = QUICK
    seeds: tuple[int, ...] = (0,)  # of the full profile; none: the experiment is for the quick profile only

    @property
    def paper(self) -> str:
        """Key of the paper: the part of the id before the slash."""
        return self.id.split("/")[0]

    def in_profile(self, profile: str) -> Recipe:
        """Its recipe in the profile "quick" or "full"."""
        return self.recipe if profile == "full" else self.quick


FLIP_AND_SHIFT = ("flip", "shift")
