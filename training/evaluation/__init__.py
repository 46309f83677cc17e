"""How accurate a model is: predictors, metrics, calibration of the spread, reports."""
