"""What the methods share whose one network is told a time or a noise level."""

from __future__ import annotations

from dataclasses import dataclass

from models.contract.config import setting
from models.plane.contract import Config, Method
from models.plane.nets import Timed


@dataclass(frozen=True)
class TimedConfig(Config):
    width: int = setting(96, "Numbers in a hidden layer.", low=8, high=128)
    depth: int = setting(3, "Hidden layers.", low=1, high=3)


class TimedMethod(Method):
    """``net(x, t)``: two numbers a point x (N, 2) at t, (N,) or one for all."""

    AVERAGE = 0.998
    Config = TimedConfig

    def __init__(self, config: TimedConfig | None = None) -> None:
        super().__init__(config)
        self.net = Timed(2, self.config.width, self.config.depth)
