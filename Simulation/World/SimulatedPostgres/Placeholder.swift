enum WorldSimulatedPostgresPlaceholder {}
