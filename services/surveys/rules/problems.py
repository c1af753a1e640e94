"""What can stand in the way of an answer, a closing, a result or a quote."""

from shared.problem import Problem


class NothingHere(Problem):
    """There is nothing here.

    The address is unknown, or what it names is not the caller's to see.
    """


class BallotUnknown(Problem):
    """This is no ballot of this survey.

    It was copied wrongly, or belongs to the survey of another event.
    """


class BallotSpent(Problem):
    """This ballot was used already.

    A ballot counts once. If it was you who used it, your answer is counted.
    """


class SurveyClosed(Problem):
    """The survey is closed.

    No answer is taken any more; what was answered in time is counted.
    """


class SurveyOpen(Problem):
    """The survey is still open.

    Nothing is told before it closes, not even how many have answered.
    """


class TooFewAnswers(Problem):
    """Too few people answered for anything to be told.

    Under five answers nothing is told, so that nobody's answer can be guessed.
    """


class ResultGone(Problem):
    """The answers of this survey can no longer be read.

    Its box was opened and destroyed before this store was restored from a backup.
    """


class Reworded(Problem):
    """A quote may be cut, and the cuts shown as […], but not reworded.

    Send the words as they are, with […] in place of what is left out between whole words.
    """


class TooLongToQuote(Problem):
    """A quote has at most 2,000 characters; cut it."""


class QuoteIsWithdrawn(Problem):
    """Whoever wrote this has taken it back."""


class CodeUnknown(Problem):
    """No quote has this receipt code.

    It was copied wrongly, or the words are gone already.
    """
