"""What the house is deployed with: its image, containers, secrets, alerts and dashboards."""
