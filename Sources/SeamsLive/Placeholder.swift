enum SeamsLivePlaceholder {}
