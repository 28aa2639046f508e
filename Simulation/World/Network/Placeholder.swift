enum WorldNetworkPlaceholder {}
