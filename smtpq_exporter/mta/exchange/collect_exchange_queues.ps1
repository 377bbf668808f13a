<#
.SYNOPSIS
    Writes the transport queues of an on-premises Exchange server as one JSON document for smtpq_exporter.
.DESCRIPTION
    Reads only: Get-Queue, Get-Message, Get-ExchangeDiagnosticInfo, Get-Service. No address, subject or message
    id is written. Every value is projected to a text or a number, so the document is the same in every
    version and culture. Needs Windows PowerShell 5.1 on the server (or where the Exchange management tools are)
    and the role "View-Only Organization Management". Exit code 0, or 3 with {"error": "..."}.
.PARAMETER OutputPath
    File to write, replaced in one step. Without it the document goes to standard output.
.PARAMETER Server
    The server whose queues are read.
.PARAMETER OldestOf
    So many queues at most are asked for their oldest message.
.PARAMETER NoBackPressure
    Leave out the state of back pressure.
.EXAMPLE
    powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File collect_exchange_queues.ps1 -OutputPath D:\smtpq\exchange.json
#>
[CmdletBinding()]
param(
    [string]$OutputPath = '',
    [string]$Server = $env:COMPUTERNAME,
    [int]$OldestOf = 100,
    [switch]$NoBackPressure
)

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
$invariant = [Globalization.CultureInfo]::InvariantCulture
$utf8 = New-Object System.Text.UTF8Encoding($false)

function Get-Moment($Value) {
    if ($null -eq $Value -or "$Value" -eq '') { return $null }
    return ([datetime]$Value).ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ss.fffZ', $invariant)
}

function Get-Number($Value) {
    if ($null -eq $Value -or "$Value" -eq '') { return $null }
    return [double]$Value
}

function Write-Report($Report) {
    $json = ConvertTo-Json -InputObject $Report -Depth 4 -Compress
    if ($OutputPath -eq '') {
        $bytes = $utf8.GetBytes($json + "`n")
        $stream = [Console]::OpenStandardOutput()
        $stream.Write($bytes, 0, $bytes.Length)
        $stream.Flush()
        return
    }
    $temporary = "$OutputPath.new"
    [IO.File]::WriteAllText($temporary, $json, $utf8)
    if (Test-Path -LiteralPath $OutputPath) {
        [IO.File]::Replace($temporary, $OutputPath, [NullString]::Value)
    }
    else {
        [IO.File]::Move($temporary, $OutputPath)
    }
}

$collected = Get-Moment (Get-Date)
$service = ''
try {
    $running = Get-Service -Name MSExchangeTransport -ComputerName $Server -ErrorAction SilentlyContinue
    if ($null -eq $running) {
        $running = Get-Service -Name MSExchangeEdgeTransport -ComputerName $Server -ErrorAction SilentlyContinue
    }
    if ($null -ne $running) { $service = "$($running.Status)" }

    if ($null -eq (Get-Command -Name Get-Queue -ErrorAction SilentlyContinue)) {
        Add-PSSnapin -Name Microsoft.Exchange.Management.PowerShell.SnapIn
    }

    $version = ''
    try { $version = "$((Get-ExchangeServer -Identity $Server).AdminDisplayVersion)" } catch { $version = '' }

    $found = @(Get-Queue -Server $Server -ResultSize Unlimited)

    # Suspended messages stand in queues that are not suspended, too. More than a page: not told.
    $suspended = @{}
    $toldSuspended = $true
    try {
        $stopped = @(Get-Message -Server $Server -Filter "Status -eq 'Suspended'" -ResultSize 1000)
        if ($stopped.Count -ge 1000) { $toldSuspended = $false }
        foreach ($message in $stopped) {
            $name = "$($message.Queue)"
            $suspended[$name] = 1 + [int]$suspended[$name]
        }
    }
    catch { $toldSuspended = $false }

    # One message each, the oldest: cheap. Queues that are being tried again come first.
    $oldest = @{}
    $full = @($found | Where-Object { $_.MessageCount -gt 0 } |
        Sort-Object -Property @{ Expression = { "$($_.Status)" -ne 'Retry' } }, @{ Expression = { - $_.MessageCount } } |
        Select-Object -First $OldestOf)
    foreach ($queue in $full) {
        try {
            $first = @(Get-Message -Queue "$($queue.Identity)" -SortOrder '+DateReceived' -ResultSize 1)
            if ($first.Count -gt 0) { $oldest["$($queue.Identity)"] = Get-Moment $first[0].DateReceived }
        }
        catch { $oldest["$($queue.Identity)"] = $null }  # the queue is gone, as empty queues go
    }

    $first = $null
    try {
        $all = @(Get-Message -Server $Server -SortOrder '+DateReceived' -ResultSize 1)
        if ($all.Count -gt 0) {
            $first = @{ Queue = "$($all[0].Queue)"; Received = (Get-Moment $all[0].DateReceived) }
        }
    }
    catch { $first = $null }

    $pressure = @()
    if (-not $NoBackPressure) {
        try {
            $answer = Get-ExchangeDiagnosticInfo -Server $Server -Process EdgeTransport -Component ResourceThrottling
            [xml]$diagnostics = $answer
            $tracker = $diagnostics.Diagnostics.Components.ResourceThrottling.ResourceTracker
            $pressure = @($tracker.ResourceMeter | Where-Object { $null -ne $_ } | ForEach-Object {
                    @{ Resource = "$($_.Resource)"; Use = "$($_.CurrentResourceUse)" }
                })
        }
        catch { $pressure = @() }  # Exchange 2010 has no such component
    }

    $queues = @($found | ForEach-Object {
            $identity = "$($_.Identity)"
            @{
                Identity        = $identity
                DeliveryType    = "$($_.DeliveryType)"
                NextHopDomain   = "$($_.NextHopDomain)"
                NextHopCategory = "$($_.NextHopCategory)"
                Status          = "$($_.Status)"
                MessageCount    = [int]$_.MessageCount
                Suspended       = $(if ($toldSuspended) { [int]$suspended[$identity] } else { $null })
                LastError       = "$($_.LastError)"
                RetryCount      = [int]$_.RetryCount
                NextRetryTime   = Get-Moment $_.NextRetryTime
                IncomingRate    = Get-Number $_.IncomingRate
                OutgoingRate    = Get-Number $_.OutgoingRate
                Velocity        = Get-Number $_.Velocity
                Oldest          = $oldest[$identity]
            }
        })

    Write-Report @{
        schema    = 1
        collected = $collected
        server    = "$Server"
        version   = $version
        service   = $service
        oldest    = $first
        pressure  = $pressure
        queues    = $queues
    }
    exit 0
}
catch {
    try {
        Write-Report @{ schema = 1; collected = $collected; service = $service; error = "$($_.Exception.Message)" }
    }
    catch { [Console]::Error.WriteLine("$($_.Exception.Message)") }
    exit 3
}
