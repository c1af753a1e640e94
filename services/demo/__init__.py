"""The demo: a year of the house, played through its front door as outside programs would.

It knows the house by its address only, and owns nothing there.
"""

from services.demo.figures import Figure, show, write_figures
from services.demo.living import move_in
from services.demo.opening import BEGINS
from services.demo.play import play
from services.demo.player import UnexpectedAnswer
from services.demo.programme import YEAR
from services.demo.report import keep_report

__all__ = [
    "BEGINS",
    "YEAR",
    "Figure",
    "UnexpectedAnswer",
    "keep_report",
    "move_in",
    "play",
    "show",
    "write_figures",
]
