// Monitoring mixin of smtpq_exporter: the same files as in this directory, for people who build with jsonnet.
// Vendor it, then:  (import 'smtpq_exporter/dashboards/mixin.libsonnet') + { _config+:: { runbookBase: '...' } }
{
  _config+:: {
    // Where you keep docs/runbooks of this project; ends with a slash.
    runbookBase: 'https://smtpq-exporter.example/runbooks/',
    // Added to the labels of every alert, for example { team: 'mail' }.
    alertLabels: {},
  },

  local config = self._config,
  local rebased(rule) = rule {
    labels+: config.alertLabels,
    annotations+: {
      runbook_url: std.strReplace(super.runbook_url, 'https://smtpq-exporter.example/runbooks/', config.runbookBase),
    },
  },

  prometheusAlerts+:: {
    groups: [
      group { rules: [rebased(rule) for rule in group.rules] }
      for group in std.parseYaml(importstr 'prometheus/alerts.yml').groups
    ],
  },
  prometheusRules+:: std.parseYaml(importstr 'prometheus/records.yml'),
  grafanaDashboards+:: {
    'smtpq-overview.json': std.parseJson(importstr 'grafana/smtpq-overview.json'),
  },
}
