"""`python -m services`: the whole house embedded; with a service's name, that one alone."""

from services.commands.cli import app

if __name__ == "__main__":
    app()
