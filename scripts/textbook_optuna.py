"""What `bench_textbook.py` times: the shortest honest program on Optuna that does as much, as its users write it.

Purged folds, one validation curve over all folds for pruning and early stopping, repeats of the best, refits on all
rows before a holdout, and whether tuning helped there, with an interval over rows. Left out: intervals over seeds, the
one-standard-error rule, L1, dropout from outside, resumption, workers, the report, the recipe.
"""

# mypy: ignore-errors
from itertools import pairwise

import numpy as np
import optuna
import torch
from textbook_data import WINDOW, LSTMModel, windows
from torch import nn

FOLDS, TRIALS, EPOCHS, PATIENCE, BATCH, REFITS = 5, 12, 30, 6, 64, 8
x, y = windows().tensors
y = y[:, None]
first_held = int(0.8 * len(x))
before = first_held - WINDOW
edges = np.linspace(0, before, FOLDS + 1).astype(int)
folds = []
for low, high in pairwise(edges):
    at = np.arange(before)
    folds.append((at[(at < low - WINDOW) | (at >= high + WINDOW)], at[low:high]))


def make(params, train, seed):
    torch.manual_seed(seed)
    model = LSTMModel(1, params["hidden_size"], params["num_layers"], 1, params["dropout"])
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": params["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
    mean, std, y_mean, y_std = x[train].mean(), x[train].std(), y[train].mean(), y[train].std()
    scaled = (x - mean) / std, (y - y_mean) / y_std
    return model, torch.optim.AdamW(groups, lr=params["lr"]), scaled


def epoch(model, optimizer, scaled, train):
    model.train()
    for batch in torch.randperm(len(train)).split(BATCH):
        rows = train[batch]
        optimizer.zero_grad()
        nn.functional.mse_loss(model(scaled[0][rows]), scaled[1][rows]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


@torch.no_grad()
def predict(model, scaled, rows):
    return model.eval()(scaled[0][rows])


def validate(params, seed, trial=None):
    runs = [(*make(params, train, seed), train, valid) for train, valid in folds]
    best, best_epoch = float("inf"), 0
    for number in range(1, EPOCHS + 1):
        losses = []
        for model, optimizer, scaled, train, valid in runs:
            epoch(model, optimizer, scaled, train)
            losses.append(nn.functional.mse_loss(predict(model, scaled, valid), scaled[1][valid]).item())
        if np.mean(losses) < best:
            best, best_epoch = float(np.mean(losses)), number
        if trial is not None:
            trial.report(best, number)
            if trial.should_prune():
                raise optuna.TrialPruned
        if number - best_epoch >= PATIENCE:
            break
    return best, best_epoch


def suggest(trial):
    return {
        "hidden_size": trial.suggest_int("hidden_size", 8, 64, log=True),
        "num_layers": trial.suggest_int("num_layers", 1, 2),
        "dropout": trial.suggest_float("dropout", 0.0, 0.6),
        "weight_decay": trial.suggest_float("weight_decay", 1e-3, 10, log=True),
        "lr": trial.suggest_float("lr", 5e-4, 1e-2, log=True),
    }


def objective(trial):
    value, epochs = validate(suggest(trial), 0, trial)
    trial.set_user_attr("epochs", epochs)
    return value


optuna.logging.set_verbosity(optuna.logging.WARNING)
default = {"hidden_size": 32, "num_layers": 1, "dropout": 0.2, "weight_decay": 1e-2, "lr": 2e-3}
study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0), pruner=optuna.pruners.MedianPruner())
study.enqueue_trial(default)
study.optimize(objective, n_trials=TRIALS)
done = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]
finalists = sorted(done, key=lambda t: t.value)[:3]
again = {t.number: np.mean([t.value, validate(t.params, 1)[0]]) for t in finalists}
best = study.trials[min(again, key=again.get)]
errors = {}
for name, trial in {"best": best, "default": study.trials[0]}.items():
    outputs = []
    for seed in range(REFITS):
        train, held = np.arange(before), np.arange(first_held, len(x))
        model, optimizer, scaled = make(trial.params, train, seed)
        for _ in range(trial.user_attrs["epochs"]):
            epoch(model, optimizer, scaled, train)
        outputs.append(predict(model, scaled, held))
    errors[name] = ((torch.stack(outputs).mean(0) - scaled[1][held]) ** 2).squeeze(1).numpy()
blocks = np.array_split(errors["best"] - errors["default"], len(errors["best"]) // WINDOW)
generator = np.random.default_rng(0)
means = np.array([block.mean() for block in blocks])
draws = [generator.choice(means, len(means)).mean() for _ in range(1000)]
low, high = np.quantile(draws, [0.025, 0.975])
print(f"tuning changes the held-out loss by {low:+.3f} to {high:+.3f}", best.params)
