"""Networks and learners of many seeds at once; the only modules of lifesigns that import torch at their top."""
