"""Eyes: what cameras see, as observations of an environment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gymnasium import spaces

from envs.chores.base import Chore
from envs.episodes import Episodes
from envs.household.appearance import NEUTRAL, Appearance, Guise, guise_of
from envs.household.chore import Household
from envs.household.guise import developed
from envs.household.picture import SceneRenderer
from envs.household.posed import Placement
from envs.household.viewpoints import check_cameras
from motion.demonstration import IMAGE
from motion.errors import UnderstudyError, require


class Eyes:
    """Cameras in the scenes of running episodes; OpenGL is asked for with the first picture.

    Args:
        chore: a chore with things.
        cameras: some of `envs.household.viewpoints.CAMERAS`; none is fine.
        size: width and height, pixels.
        appearance: how episodes look other than in training.

    Raises:
        UnderstudyError: cameras for a chore without things.
        UnknownNameError: no such camera.
    """

    def __init__(
        self, chore: Chore, cameras: Sequence[str] = (), size: tuple[int, int] = (320, 240), appearance: Appearance = NEUTRAL
    ) -> None:
        self.chore, self.cameras, self.size, self.appearance = chore, check_cameras(cameras), size, appearance
        says = f"chore {chore.name} has no things on a counter; cameras={tuple(cameras)} are for those that have."
        require(not cameras or isinstance(chore, Household), UnderstudyError, says)
        self._renderer: SceneRenderer | None = None

    def space(self, others: spaces.Dict) -> spaces.Dict:
        """Other observations with the images (height, width, 3), uint8, beside them."""
        width, height = self.size
        image = spaces.Box(0, 255, (height, width, 3), np.uint8)
        return spaces.Dict({**others.spaces, **{IMAGE + name: image for name in self.cameras}}) if self.cameras else others

    def see(self, episodes: Episodes, slots: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Images (n, height, width, 3) of the episodes in n slots, as they are now, by names of observations."""
        if not self.cameras:
            return {}
        pictures = [self.pictures(episodes, int(slot)) for slot in slots]
        return {IMAGE + name: np.stack([seen[name] for seen in pictures]) for name in self.cameras}

    def pictures(self, episodes: Episodes, slot: int) -> dict[str, np.ndarray]:
        """Images (height, width, 3) of one episode by names of cameras."""
        if self._renderer is None:
            assert isinstance(self.chore, Household)
            self._renderer = SceneRenderer(self.chore, *self.size, self.cameras)
        renderer, guise = self._renderer, self._guise(self._renderer, episodes, slot)
        renderer.set_scene(episodes.model_of(slot), guise)
        renderer.place(Placement.of_state(episodes.state(slot)))
        drawn = {name: renderer.picture(name) for name in self.cameras}
        if guise is None:
            return drawn
        step = int(episodes.step_count[slot])
        return {name: developed(picture, guise, name, step) for name, picture in drawn.items()}

    def _guise(self, renderer: SceneRenderer, episodes: Episodes, slot: int) -> Guise | None:
        """How the episode in a slot looks; None as in training."""
        episode = episodes.episodes[slot]
        if self.appearance.neutral or episode is None:
            return None
        return guise_of(self.appearance, episode.seed, f"{self.chore.name}/{episode.variant}", len(renderer.posed.bodies))

    def close(self) -> None:
        """Give OpenGL back."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
