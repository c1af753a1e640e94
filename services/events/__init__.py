"""Events: themes, the programme, who takes part, waiting lists, attendance."""
