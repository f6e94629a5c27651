"""What the forecaster does outside its fold."""
