"""What reporting shows: figures, the messages behind them, the report and the years there are."""

from services.reporting.schemas.figures import CountedMessage, FigureDetail, FigureItem
from services.reporting.schemas.report import Report, YearItem

__all__ = ["CountedMessage", "FigureDetail", "FigureItem", "Report", "YearItem"]
