enum ExplorerPlaceholder {}
