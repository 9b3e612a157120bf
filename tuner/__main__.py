"""`python -m tuner` and the console command `tuner`: all commands under one name."""

import typer

from tuner.compare import main as compare
from tuner.dashboard import main as dashboard
from tuner.delete import main as delete
from tuner.demo import main as demo
from tuner.export import main as export
from tuner.init import main as init
from tuner.path import main as path
from tuner.run import main as run
from tuner.score import main as score
from tuner.status import main as status
from tuner.terminal import execute

# The groups that commands are listed in.
SEARCH, LOOK, USE, TIDY = "Search", "Look", "Use", "Tidy up"

HELP = (
    "Finds out how strongly an LSTM should be regularised, by cross-validation that does not leak."
    "\n\nA study file says what to search. A run keeps each finished trial in the store, studies/studies.db; stop it "
    "when you like, and run the same command to continue. Data files are CSV or Parquet."
)
EPILOG = (
    "For example:"
    "\n\n[bold]tuner init pump.csv[/]            writes studies/pump.toml, a study of your data"
    "\n[bold]tuner run --study pump[/]         searches; --trials 100 continues up to 100 trials"
    "\n[bold]tuner export --study pump[/]      prints the best configuration"
    "\n[bold]tuner COMMAND --help[/]           explains a command"
    "\n[bold]tuner --install-completion[/]     lets your shell complete commands and options"
)

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich", help=HELP, epilog=EPILOG
)
app.command("demo", rich_help_panel=SEARCH, short_help="Show in a minute what a search finds.")(demo)
app.command("init", rich_help_panel=SEARCH, short_help="Write a study file for a data file.")(init)
app.command("run", rich_help_panel=SEARCH, short_help="Run or continue a study.")(run)
app.command("path", rich_help_panel=LOOK, short_help="Train one parameter over its range: the regularisation path.")(
    path
)
app.command("compare", rich_help_panel=LOOK, short_help="Set studies side by side, as a table or a page.")(compare)
app.command("dashboard", rich_help_panel=LOOK, short_help="Open the studies in a web browser.")(dashboard)
app.command("export", rich_help_panel=USE, short_help="Write the best configuration, or the refitted network.")(export)
app.command("score", rich_help_panel=USE, short_help="Score new rows with an exported bundle.")(score)
app.command("status", rich_help_panel=TIDY, short_help="List the studies of the store.")(status)
app.command("delete", rich_help_panel=TIDY, short_help="Delete a study from the store.")(delete)


def main() -> None:
    """The console command."""
    execute(app)


if __name__ == "__main__":
    main()
