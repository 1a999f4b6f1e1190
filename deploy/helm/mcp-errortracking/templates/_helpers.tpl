{{- define "mcp.name" -}}
{{- printf "%s" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "mcp.selector" -}}
app.kubernetes.io/name: mcp-errortracking
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "mcp.valkeySelector" -}}
app.kubernetes.io/name: mcp-errortracking
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: limits
{{- end -}}

{{- define "mcp.labels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "mcp.hasValkey" -}}
{{- if and .Values.sharedLimits.valkey.enabled (not .Values.sharedLimits.fromSecret) -}}yes{{- end -}}
{{- end -}}

{{- /* The host of the resource of OAuth: of its address, or of the first audience that is one. */ -}}
{{- define "mcp.resourceHost" -}}
{{- $address := .Values.oauth.resource -}}
{{- range .Values.oauth.audience -}}
{{- if and (not $address) (hasPrefix "https://" .) -}}{{- $address = . -}}{{- end -}}
{{- end -}}
{{- if and .Values.oauth.issuer $address -}}{{- (urlParse $address).hostname -}}{{- end -}}
{{- end -}}

{{- define "mcp.hosts" -}}
{{- $hosts := .Values.hosts -}}
{{- with include "mcp.resourceHost" . -}}{{- $hosts = append $hosts . -}}{{- end -}}
{{- uniq $hosts | toJson -}}
{{- end -}}

{{- define "mcp.check" -}}
{{- if not (or .Values.serverTokens .Values.oauth.issuer) -}}
{{- fail "Nobody could call this server: set serverTokens to true, or oauth.issuer." -}}
{{- end -}}
{{- if and .Values.oauth.issuer (not .Values.oauth.audience) -}}
{{- fail "oauth.issuer is set without oauth.audience: tokens for other services must not be accepted." -}}
{{- end -}}
{{- if and .Values.oauth.introspection (not .Values.oauth.clientId) -}}
{{- fail "oauth.introspection needs oauth.clientId, and the key oauth-client-secret in the secret." -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not (include "mcp.hosts" . | fromJsonArray)) -}}
{{- fail "ingress.enabled needs hosts." -}}
{{- end -}}
{{- if and .Values.oauth.issuer .Values.ingress.enabled (not .Values.ingress.tlsSecret) (not .Values.ingress.annotations) -}}
{{- fail "With OAuth, clients need TLS: set ingress.tlsSecret, or the annotations of your ingress that provide it." -}}
{{- end -}}
{{- end -}}
