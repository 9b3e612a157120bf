"""`python -m tuner` and the console command `tuner`: all commands under one name."""

import typer

from tuner.compare import main as compare
from tuner.export import main as export
from tuner.init import main as init
from tuner.path import main as path
from tuner.run import main as run_study
from tuner.score import main as score
from tuner.terminal import run

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Finds out how strongly an LSTM should be regularised.",
)
app.command("init")(init)
app.command("run")(run_study)
app.command("export")(export)
app.command("compare")(compare)
app.command("score")(score)
app.command("path")(path)


def main() -> None:
    """The console command."""
    run(app)


if __name__ == "__main__":
    main()
