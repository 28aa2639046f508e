enum CheckersPlaceholder {}
