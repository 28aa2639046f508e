print("zoco")
