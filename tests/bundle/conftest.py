"""One thread: as a worker trains, so that results do not hang on the machine."""

import torch

torch.set_num_threads(1)
