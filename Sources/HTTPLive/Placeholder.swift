enum HTTPLivePlaceholder {}
