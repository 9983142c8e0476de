"""Every setting, declared once: its spellings, type, default, limits and meaning.

Parsing, masking, the reference in docs/, the REST settings API and the panel read it from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType
from typing import Final

from antmediad.settings.setting import Masked, Network, Setting, declared_settings, setting

LOOPBACK: Final[tuple[Network, ...]] = (IPv4Network("127.0.0.1"),)
EVERY_IPV4_ADDRESS: Final = IPv4Network("0.0.0.0/0")
SYMMETRIC_ALGORITHMS: Final = ("HS256",)
ASYMMETRIC_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
ALGORITHMS: Final = SYMMETRIC_ALGORITHMS + ASYMMETRIC_ALGORITHMS
LOG_LEVELS: Final = ("ALL", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "OFF")

HTTP_URL: Final = r"\s*https?://[^\s/]\S*\s*"
INTEGER_TEXT: Final = r"\s*[+-]?[0-9]+\s*"
NUMBER_TEXT: Final = r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings(Masked):
    """What one ``WEB-INF/red5-web.properties`` says, typed.  Replaced whole, never edited."""

    db_id: str | None = setting(
        "dbId",
        default=None,
        misfit="default",
        expected="database object id",
        group="misc",
        description="Database row id; hidden from JSON, written on save as an empty or hex value.",
        json_name=None,
    )
    remote_allowed_cidr: tuple[Network, ...] = setting(
        "remoteAllowedCIDR",
        default=LOOPBACK,
        kind="networks",
        legacy=("settings.remoteAllowedCIDR",),
        effective=True,
        expected="IP addresses and CIDR blocks, comma separated; empty lets nobody in",
        group="rest-security",
        description="Addresses allowed through the REST IP filter when ipFilterEnabled is true.",
    )
    mp4_muxing_enabled: bool = setting(
        "mp4MuxingEnabled",
        default=False,
        legacy=("settings.mp4MuxingEnabled",),
        group="recording",
        description="Record every live stream to MP4 under the application's streams folder.",
    )
    webm_muxing_enabled: bool = setting(
        "webMMuxingEnabled",
        default=False,
        legacy=("settings.webMMuxingEnabled",),
        group="recording",
        description="Record live streams to WebM.",
    )
    add_date_time_to_mp4_file_name: bool = setting(
        "addDateTimeToMp4FileName",
        default=False,
        legacy=("settings.addDateTimeToMp4FileName",),
        group="recording",
        description="Append a timestamp to MP4 file names.",
    )
    file_name_format: str = setting(
        "fileNameFormat",
        default="%r%b",
        legacy=("settings.fileNameFormat",),
        expected="mix of %r (height), %b (bitrate) and {text}",
        group="recording",
        description="Suffix pattern for recorded and segment file names.",
    )
    hls_muxing_enabled: bool = setting(
        "hlsMuxingEnabled",
        default=True,
        legacy=("settings.hlsMuxingEnabled",),
        group="hls",
        description="Produce HLS output for live streams.",
    )
    encoder_settings_string: str = setting(
        "encoderSettingsString",
        default="",
        kind="ladder",
        legacy=("settings.encoderSettingsString",),
        misfit="default",
        expected=(
            "JSON array of "
            "height,videoBitrate,audioBitrate,forceEncode,forceSameResolutionEncode; or old "
            "comma triples"
        ),
        group="encoder",
        description="Adaptive bitrate ladder; empty means no transcoding.",
    )
    signaling_enabled: bool = setting(
        "signalingEnabled",
        default=False,
        legacy=("signaling.enabled",),
        group="webrtc",
        description="Let this server also act as WebRTC signalling relay for servers behind NAT.",
    )
    signaling_address: str = setting(
        "signalingAddress",
        default="",
        legacy=("signaling.address",),
        pattern=r"wss?://[^\s/]\S*",
        expected="a ws:// or wss:// URL",
        group="webrtc",
        description="WebSocket URL of another server used for signalling.",
    )
    hls_list_size: str = setting(
        "hlsListSize",
        default="15",
        legacy=("settings.hlsListSize",),
        pattern=INTEGER_TEXT,
        expected="a whole number",
        group="hls",
        description="Number of segments kept in an HLS playlist.",
    )
    hls_time: str = setting(
        "hlsTime",
        default="2",
        legacy=("settings.hlsTime",),
        pattern=INTEGER_TEXT,
        expected="a whole number",
        group="hls",
        description="Target HLS segment length.",
    )
    upload_extensions_to_s3: int = setting(
        "uploadExtensionsToS3",
        default=7,
        legacy=("settings.uploadExtensionsToS3",),
        minimum=0,
        maximum=7,
        expected="bit mask 0-7: 1=mp4, 2=HLS, 4=previews",
        group="s3",
        description="Which kinds of file are uploaded to object storage.",
    )
    s3_storage_class: str = setting(
        "s3StorageClass",
        default="STANDARD",
        legacy=("settings.s3StorageClass",),
        choices=(
            "STANDARD",
            "REDUCED_REDUNDANCY",
            "GLACIER",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "DEEP_ARCHIVE",
        ),
        group="s3",
        description="Storage class given to uploaded objects; case matters.",
    )
    endpoint_health_check_period_ms: int = setting(
        "endpointHealthCheckPeriodMs",
        default=2000,
        legacy=("settings.endpoint.healthCheckPeriodMs",),
        expected="milliseconds",
        group="ingest",
        description="Interval between health checks of a restream endpoint.",
    )
    endpoint_republish_limit: int = setting(
        "endpointRepublishLimit",
        default=3,
        legacy=("settings.endpoint.republishLimit",),
        expected="count; negative = no limit",
        group="ingest",
        description="How often a failing restream endpoint is tried again before giving up.",
    )
    dash_seg_duration: str = setting(
        "dashSegDuration",
        default="6",
        legacy=("settings.dashSegDuration",),
        pattern=NUMBER_TEXT,
        expected="a number",
        group="dash",
        description="DASH segment length.",
    )
    dash_fragment_duration: str = setting(
        "dashFragmentDuration",
        default="0.5",
        legacy=("settings.dashFragmentDuration",),
        pattern=NUMBER_TEXT,
        expected="a number",
        group="dash",
        description="Length of each fMP4 fragment inside a DASH segment.",
    )
    dash_target_latency: str = setting(
        "dashTargetLatency",
        default="3.5",
        legacy=(
            "settings.dashTargetLatency",
            "targetLatency",
        ),
        pattern=NUMBER_TEXT,
        expected="a number",
        group="dash",
        description="Target latency announced in low-latency DASH.",
        json_name="targetLatency",
    )
    dash_window_size: str = setting(
        "dashWindowSize",
        default="5",
        legacy=("settings.dashWindowSize",),
        pattern=INTEGER_TEXT,
        expected="a whole number",
        group="dash",
        description="Segments listed in the DASH manifest.",
    )
    dash_extra_window_size: str = setting(
        "dashExtraWindowSize",
        default="5",
        legacy=("settings.dashExtraWindowSize",),
        pattern=INTEGER_TEXT,
        expected="a whole number",
        group="dash",
        description="Extra DASH segments left on disk after they leave the manifest.",
    )
    dash_enable_low_latency: bool = setting(
        "dashEnableLowLatency",
        default=True,
        legacy=(
            "settings.dash.llEnabled",
            "lLDashEnabled",
        ),
        group="dash",
        description="Low-latency DASH; needs DASH enabled.",
        json_name="lLDashEnabled",
    )
    hls_enable_low_latency: bool = setting(
        "hlsEnableLowLatency",
        default=False,
        legacy=(
            "settings.dash.llHlsEnabled",
            "lLHLSEnabled",
        ),
        group="hls",
        description="Low-latency HLS made by the DASH muxer.",
        json_name="lLHLSEnabled",
    )
    hls_enabled_via_dash: bool = setting(
        "hlsEnabledViaDash",
        default=False,
        legacy=("settings.dash.hlsEnabled",),
        group="hls",
        description="Produce HLS playlists from the DASH muxer.",
    )
    use_timeline_dash_muxing: bool = setting(
        "useTimelineDashMuxing",
        default=False,
        legacy=("settings.dash.useTimeline",),
        group="dash",
        description="Use SegmentTimeline in DASH manifests.",
    )
    webrtc_enabled: bool = setting(
        "webRTCEnabled",
        default=True,
        legacy=("settings.webRTCEnabled",),
        group="webrtc",
        description="Allow WebRTC playback.",
    )
    use_original_webrtc_enabled: bool = setting(
        "useOriginalWebRTCEnabled",
        default=False,
        legacy=("settings.useOriginalWebRTCEnabled",),
        group="webrtc",
        description="Offer the untranscoded WebRTC source beside the adaptive renditions.",
    )
    delete_hls_files_on_ended: bool = setting(
        "deleteHLSFilesOnEnded",
        default=True,
        legacy=("settings.deleteHLSFilesOnEnded",),
        group="hls",
        description="Delete HLS files when the broadcast ends.",
    )
    delete_dash_files_on_ended: bool = setting(
        "deleteDASHFilesOnEnded",
        default=True,
        legacy=("settings.deleteDASHFilesOnEnded",),
        group="dash",
        description="Delete DASH files when the broadcast ends.",
    )
    token_hash_secret: str = setting(
        "tokenHashSecret",
        default="",
        secret=True,
        effective=True,
        group="stream-security",
        description="Shared secret for hash-based stream access control.",
    )
    hash_control_publish_enabled: bool = setting(
        "hashControlPublishEnabled",
        default=False,
        legacy=("settings.hashControlPublishEnabled",),
        group="stream-security",
        description="Require a valid hash to publish.",
    )
    hash_control_play_enabled: bool = setting(
        "hashControlPlayEnabled",
        default=False,
        legacy=("settings.hashControlPlayEnabled",),
        effective=True,
        group="stream-security",
        description="Require a valid hash to play.",
    )
    listener_hook_url: str = setting(
        "listenerHookURL",
        default="",
        legacy=("settings.listenerHookURL",),
        pattern=HTTP_URL,
        expected="an http:// or https:// URL",
        group="webhooks",
        description="Target of stream event webhooks.",
    )
    accept_only_streams_in_data_store: bool = setting(
        "acceptOnlyStreamsInDataStore",
        default=False,
        legacy=("settings.acceptOnlyStreamsInDataStore",),
        group="stream-security",
        description="Refuse to ingest stream ids not registered in the datastore.",
    )
    accept_only_rooms_in_data_store: bool = setting(
        "acceptOnlyRoomsInDataStore",
        default=False,
        legacy=("settings.acceptOnlyRoomsInDataStore",),
        group="stream-security",
        description="Refuse conference rooms not registered in the datastore.",
    )
    publish_token_control_enabled: bool = setting(
        "publishTokenControlEnabled",
        default=False,
        legacy=(
            "settings.publishTokenControlEnabled",
            "settings.tokenControlEnabled",
        ),
        group="stream-security",
        description="Require a one-time token to publish.",
    )
    play_token_control_enabled: bool = setting(
        "playTokenControlEnabled",
        default=False,
        legacy=(
            "settings.playTokenControlEnabled",
            "settings.tokenControlEnabled",
        ),
        effective=True,
        group="stream-security",
        description="Require a one-time token to play.",
    )
    enable_time_token_for_play: bool = setting(
        "enableTimeTokenForPlay",
        default=False,
        legacy=("settings.enableTimeTokenForPlay",),
        effective=True,
        group="stream-security",
        description="Require a TOTP subscriber code to play.",
    )
    time_token_secret_for_play: str | None = setting(
        "timeTokenSecretForPlay",
        default=None,
        secret=True,
        effective=True,
        group="stream-security",
        description="TOTP secret for playing when the subscriber is not in the datastore.",
    )
    enable_time_token_for_publish: bool = setting(
        "enableTimeTokenForPublish",
        default=False,
        legacy=("settings.enableTimeTokenForPublish",),
        group="stream-security",
        description="Require a TOTP subscriber code to publish.",
    )
    time_token_secret_for_publish: str | None = setting(
        "timeTokenSecretForPublish",
        default=None,
        secret=True,
        effective=True,
        group="stream-security",
        description="TOTP secret for publishing when the subscriber is not in the datastore.",
    )
    time_token_period: int = setting(
        "timeTokenPeriod",
        default=60,
        legacy=("settings.timeTokenPeriod",),
        effective=True,
        minimum=1,
        group="stream-security",
        description="Validity step of generated TOTP codes.",
    )
    hls_play_list_type: str = setting(
        "hlsPlayListType",
        default="",
        legacy=("settings.hlsPlayListType",),
        choices=(
            "event",
            "vod",
        ),
        group="hls",
        description="Value of EXT-X-PLAYLIST-TYPE in HLS playlists.",
    )
    hls_segment_type: str = setting(
        "hlsSegmentType",
        default="mpegts",
        choices=(
            "mpegts",
            "fmp4",
        ),
        group="hls",
        description="Container of HLS segments; fmp4 is needed for HEVC.",
    )
    hls_segment_file_suffix_format: str = setting(
        "hlsSegmentFileSuffixFormat",
        default="%09d",
        expected="printf or strftime pattern",
        effective=True,
        group="hls",
        description="Suffix pattern of HLS segment files; also used to find stream ids in URLs.",
    )
    preview_overwrite: bool = setting(
        "previewOverwrite",
        default=False,
        legacy=("settings.previewOverwrite",),
        group="recording",
        description="Overwrite an existing preview instead of adding a numbered one.",
    )
    create_preview_period: int = setting(
        "createPreviewPeriod",
        default=5000,
        legacy=("settings.createPreviewPeriod",),
        expected="milliseconds",
        group="recording",
        description="Interval between preview images.",
    )
    restart_stream_fetcher_period: int = setting(
        "restartStreamFetcherPeriod",
        default=0,
        legacy=(
            "settings.streamFetcherRestartPeriod",
            "streamFetcherRestartPeriod",
        ),
        expected="seconds; 0 = never",
        group="ingest",
        description="Restart pulled sources at this interval.",
    )
    start_stream_fetcher_automatically: bool = setting(
        "startStreamFetcherAutomatically",
        default=False,
        legacy=(
            "settings.streamFetcherAutoStart",
            "streamFetcherAutoStart",
        ),
        group="ingest",
        description="Start pulled sources when the application starts; read only at start.",
    )
    stream_fetcher_buffer_time: int = setting(
        "streamFetcherBufferTime",
        default=0,
        legacy=("settings.streamFetcherBufferTime",),
        expected="milliseconds; 0 = none",
        group="ingest",
        description="Buffering applied to pulled sources.",
    )
    hlsflags: str = setting(
        "hlsflags",
        default="delete_segments+program_date_time",
        legacy=("settings.hlsflags",),
        expected="FFmpeg hls_flags joined by + or -",
        group="hls",
        description="Flags handed to the FFmpeg HLS muxer.",
    )
    mysql_client_path: str = setting(
        "mySqlClientPath",
        default="/usr/local/antmedia/mysql",
        misfit="default",
        expected="path",
        group="misc",
        description="Left-over field; written on save, never read from the file.",
    )
    muxer_finish_script: str = setting(
        "muxerFinishScript",
        default="",
        legacy=("settings.muxerFinishScript",),
        expected="executable path",
        group="recording",
        description="Script run after a recording is finished.",
    )
    stream_started_script: str = setting(
        "streamStartedScript",
        default="",
        expected="executable path",
        group="ingest",
        description="Script run when a stream starts.",
    )
    stream_ended_script: str = setting(
        "streamEndedScript",
        default="",
        expected="executable path",
        group="ingest",
        description="Script run when a stream ends.",
    )
    stream_idle_timeout_script: str = setting(
        "streamIdleTimeoutScript",
        default="",
        expected="executable path",
        group="ingest",
        description="Script run when a stream hits its idle timeout.",
    )
    webrtc_frame_rate: int = setting(
        "webRTCFrameRate",
        default=30,
        legacy=("settings.webRTCFrameRate",),
        expected="frames per second",
        group="webrtc",
        description="Frame rate sent to WebRTC players.",
    )
    webrtc_port_range_min: int = setting(
        "webRTCPortRangeMin",
        default=50000,
        legacy=("settings.webrtc.portRangeMin",),
        minimum=0,
        maximum=65535,
        expected="0-65535, below the maximum",
        group="webrtc",
        description="Lowest UDP port for WebRTC.",
    )
    webrtc_port_range_max: int = setting(
        "webRTCPortRangeMax",
        default=60000,
        legacy=("settings.webrtc.portRangeMax",),
        minimum=0,
        maximum=65535,
        expected="0-65535, above the minimum",
        group="webrtc",
        description="Highest UDP port for WebRTC.",
    )
    stun_server_uri: str = setting(
        "stunServerURI",
        default="stun:stun1.l.google.com:19302",
        legacy=("settings.webrtc.stunServerURI",),
        pattern=r"(stuns?|turns?):\S+",
        expected="a stun: or turn: URI",
        group="webrtc",
        description="STUN or TURN server used for ICE.",
    )
    turn_server_username: str = setting(
        "turnServerUsername",
        default="",
        legacy=("settings.webrtc.turnServerUsername",),
        group="webrtc",
        description="TURN user name, used with stunServerURI.",
    )
    turn_server_credential: str = setting(
        "turnServerCredential",
        default="",
        legacy=("settings.webrtc.turnServerCredential",),
        secret=True,
        group="webrtc",
        description="TURN password, used with stunServerURI.",
    )
    webrtc_tcp_candidates_enabled: bool = setting(
        "webRTCTcpCandidatesEnabled",
        default=False,
        legacy=("settings.webrtc.tcpCandidateEnabled",),
        group="webrtc",
        description="Offer TCP ICE candidates.",
    )
    webrtc_sdp_semantics: str = setting(
        "webRTCSdpSemantics",
        default="unifiedPlan",
        legacy=("settings.webrtc.sdpSemantics",),
        choices=(
            "planB",
            "unifiedPlan",
        ),
        group="webrtc",
        description="SDP dialect for WebRTC.",
    )
    port_allocator_flags: int = setting(
        "portAllocatorFlags",
        default=0,
        legacy=("settings.portAllocator.flags",),
        minimum=0,
        maximum=7,
        expected="bit mask: 1=no UDP, 2=no STUN, 4=no relay",
        group="webrtc",
        description="Flags for the WebRTC port allocator.",
    )
    encoder_name: str = setting(
        "encoderName",
        default="",
        legacy=("settings.encoding.encoderName",),
        expected="FFmpeg encoder name, e.g. h264_nvenc, openh264",
        group="encoder",
        description="Preferred video encoder; empty lets the server pick.",
    )
    encoder_parameters: str = setting(
        "encoderParameters",
        default="{}",
        kind="object",
        expected="object: encoder name to object of options",
        group="encoder",
        description="Extra options per encoder.",
    )
    encoder_thread_count: int = setting(
        "encoderThreadCount",
        default=0,
        legacy=("settings.encoding.threadCount",),
        expected="0 = automatic",
        group="encoder",
        description="Encoder thread count.",
    )
    encoder_thread_type: int = setting(
        "encoderThreadType",
        default=0,
        legacy=("settings.encoding.threadType",),
        minimum=0,
        maximum=2,
        expected="0=auto, 1=frame, 2=slice",
        group="encoder",
        description="Encoder threading mode.",
    )
    vp8_encoder_thread_count: int = setting(
        "vp8EncoderThreadCount",
        default=1,
        legacy=("settings.encoding.vp8.threadCount",),
        minimum=1,
        group="encoder",
        description="VP8 encoder thread count.",
    )
    preview_height: int = setting(
        "previewHeight",
        default=480,
        legacy=("settings.previewHeight",),
        expected="pixels",
        group="recording",
        description="Height of preview images.",
    )
    generate_preview: bool = setting(
        "generatePreview",
        default=False,
        legacy=("settings.previewGenerate",),
        group="recording",
        description="Create preview images for streams with an adaptive ladder.",
    )
    preview_format: str = setting(
        "previewFormat",
        default="png",
        choices=(
            "png",
            "jpg",
            "webp",
        ),
        group="recording",
        description="Image format of previews.",
    )
    preview_quality: int = setting(
        "previewQuality",
        default=75,
        minimum=0,
        maximum=100,
        expected="jpg 2-31 (2 best); webp 0-100 (100 best)",
        group="recording",
        description="Preview quality for JPG or WebP; unused for PNG.",
    )
    write_stats_to_datastore: bool = setting(
        "writeStatsToDatastore",
        default=True,
        legacy=("settings.writeStatsToDatastore",),
        group="misc",
        description="Store viewer counts in the datastore.",
    )
    encoder_selection_preference: str = setting(
        "encoderSelectionPreference",
        default="gpu_and_cpu",
        legacy=("settings.encoderSelectionPreference",),
        choices=(
            "gpu_and_cpu",
            "only_gpu",
        ),
        group="encoder",
        description="Whether CPU encoding may replace an unavailable GPU encoder.",
    )
    allowed_publisher_cidr: tuple[Network, ...] = setting(
        "allowedPublisherCIDR",
        default=(),
        kind="networks",
        legacy=("settings.allowedPublisherCIDR",),
        expected="IP addresses and CIDR blocks, comma separated; empty lets everybody in",
        group="stream-security",
        description="Addresses allowed to publish over RTMP.",
    )
    excessive_bandwidth_value: int = setting(
        "excessiveBandwidthValue",
        default=300000,
        legacy=("settings.excessiveBandwidth.threshold",),
        expected="bits per second",
        group="webrtc",
        description=(
            "Spare bandwidth needed before switching a viewer up; read at application start."
        ),
    )
    excessive_bandwidth_call_threshold: int = setting(
        "excessiveBandwidthCallThreshold",
        default=3,
        legacy=("settings.excessiveBandwidth.call.threshold",),
        expected="count",
        group="webrtc",
        description=(
            "Consecutive spare-bandwidth readings before switching up; read at application start."
        ),
    )
    excessive_bandwith_try_count_before_switchback: int = setting(
        "excessiveBandwithTryCountBeforeSwitchback",
        default=4,
        legacy=("settings.excessiveBandwith.tryCount.beforeSwitchback",),
        expected="count",
        group="webrtc",
        description=(
            "Attempts to stay on the higher rendition; the key is misspelled by tradition; "
            "read at start."
        ),
    )
    excessive_bandwidth_algorithm_enabled: bool = setting(
        "excessiveBandwidthAlgorithmEnabled",
        default=False,
        legacy=("settings.excessiveBandwidth_enabled",),
        group="webrtc",
        description="Enable the spare-bandwidth switching algorithm; read at application start.",
    )
    packet_loss_diff_threshold_for_switchback: int = setting(
        "packetLossDiffThresholdForSwitchback",
        default=10,
        legacy=("settings.excessiveBandwidth.packetLossDiffThreshold.forSwitchback",),
        expected="percent points",
        group="webrtc",
        description="Packet loss rise that forces a switch down; read at application start.",
    )
    rtt_measurement_diff_threshold_for_switchback: int = setting(
        "rttMeasurementDiffThresholdForSwitchback",
        default=20,
        legacy=("settings.excessiveBandwidth.rttMeasurementDiffThreshold.forSwitchback",),
        expected="milliseconds",
        group="webrtc",
        description="Round-trip rise that forces a switch down; read at application start.",
    )
    replace_candidate_addr_with_server_addr: bool = setting(
        "replaceCandidateAddrWithServerAddr",
        default=False,
        legacy=("settings.replaceCandidateAddrWithServerAddr",),
        group="webrtc",
        description="Put server.name in ICE candidates instead of the local address.",
    )
    app_name: str = setting(
        "appName",
        default="",
        legacy=("db.app.name",),
        effective=True,
        expected="^[A-Za-z0-9_-]+$",
        group="misc",
        description="Application name; key of its record in cluster storage.",
    )
    webrtc_client_start_timeout_ms: int = setting(
        "webRTCClientStartTimeoutMs",
        default=10000,
        legacy=("settings.webrtc.client.start.timeoutMs",),
        expected="milliseconds",
        group="webrtc",
        description="Time a WebRTC client has to start, and publisher reconnect grace.",
    )
    update_time: int = setting(
        "updateTime",
        default=0,
        kind="long",
        effective=True,
        misfit="default",
        expected="epoch milliseconds",
        group="cluster",
        description=(
            "Stamp set on each REST update; nodes apply settings whose stamp differs. Never "
            "read from file."
        ),
    )
    http_forwarding_extension: tuple[str, ...] = setting(
        "httpForwardingExtension",
        default=(),
        kind="suffixes",
        legacy=("settings.httpforwarding.extension",),
        effective=True,
        expected="comma list of suffixes, no blanks",
        group="misc",
        description="URL suffixes under streams that are redirected to httpForwardingBaseURL.",
    )
    http_forwarding_base_url: str = setting(
        "httpForwardingBaseURL",
        default="",
        legacy=("settings.httpforwarding.baseURL",),
        effective=True,
        misfit="kept",
        pattern=HTTP_URL,
        expected="an http:// or https:// URL",
        group="misc",
        description="Redirect base for matching stream URLs.",
    )
    max_analyze_duration_ms: int = setting(
        "maxAnalyzeDurationMS",
        default=1500,
        legacy=("settings.rtmp.maxAnalyzeDurationMS",),
        expected="milliseconds",
        group="ingest",
        description="Time spent probing a source for audio and video.",
    )
    disable_ipv6_candidates: bool = setting(
        "disableIPv6Candidates",
        default=True,
        legacy=("settings.disableIPv6Candidates",),
        group="webrtc",
        description="Leave IPv6 out of ICE candidates.",
    )
    rtsp_pull_transport_type: str = setting(
        "rtspPullTransportType",
        default="3",
        legacy=("settings.rtspPullTransportType",),
        expected="udp,tcp,udp_multicast,http,https or sum of 1,2,4,256,512",
        group="ingest",
        description="Transport(s) for pulling RTSP.",
    )
    rtsp_timeout_duration_ms: int = setting(
        "rtspTimeoutDurationMs",
        default=5000,
        legacy=("settings.rtspTimeoutDurationMs",),
        expected="milliseconds",
        group="ingest",
        description="RTSP pull timeout.",
    )
    max_fps_accept: int = setting(
        "maxFpsAccept",
        default=0,
        legacy=("settings.maxFpsAccept",),
        expected="0 = no limit",
        group="ingest",
        description="Highest accepted ingest frame rate.",
    )
    max_resolution_accept: int = setting(
        "maxResolutionAccept",
        default=0,
        legacy=("settings.maxResolutionAccept",),
        expected="pixels of height; 0 = no limit",
        group="ingest",
        description="Highest accepted ingest resolution.",
    )
    max_bitrate_accept: int = setting(
        "maxBitrateAccept",
        default=0,
        legacy=("settings.maxBitrateAccept",),
        expected="bits per second; 0 = no limit",
        group="ingest",
        description="Highest accepted ingest bitrate; the REST settings API does not carry it.",
        json_name=None,
    )
    h264_enabled: bool = setting(
        "h264Enabled",
        default=True,
        legacy=("settings.h264Enabled",),
        group="encoder",
        description="Allow H.264 encoding.",
    )
    vp8_enabled: bool = setting(
        "vp8Enabled",
        default=False,
        legacy=("settings.vp8Enabled",),
        group="encoder",
        description="Allow VP8 encoding.",
    )
    av1_enabled: bool = setting(
        "av1Enabled",
        default=False,
        group="encoder",
        description="Allow AV1 encoding.",
    )
    h265_enabled: bool = setting(
        "h265Enabled",
        default=False,
        legacy=("settings.h265Enabled",),
        group="encoder",
        description="Allow H.265 encoding.",
    )
    data_channel_enabled: bool = setting(
        "dataChannelEnabled",
        default=True,
        legacy=("settings.dataChannelEnabled",),
        group="webrtc",
        description="Enable the WebRTC data channel.",
    )
    data_channel_player_distribution: str = setting(
        "dataChannelPlayerDistribution",
        default="all",
        legacy=("settings.dataChannelPlayerDistrubution",),
        choices=(
            "none",
            "publisher",
            "all",
        ),
        group="webrtc",
        description="Who receives data channel messages sent by players.",
    )
    rtmp_ingest_buffer_time_ms: int = setting(
        "rtmpIngestBufferTimeMs",
        default=0,
        kind="long",
        legacy=("settings.rtmpIngestBufferTimeMs",),
        expected="milliseconds; 0 = none",
        group="ingest",
        description="Buffer applied to RTMP ingest.",
    )
    data_channel_web_hook_url: str = setting(
        "dataChannelWebHookURL",
        default="",
        legacy=("settings.dataChannelWebHook",),
        pattern=HTTP_URL,
        expected="an http:// or https:// URL",
        group="webhooks",
        description="Target that receives a copy of data channel messages.",
    )
    height_rtmp_forwarding: int = setting(
        "heightRtmpForwarding",
        default=360,
        legacy=("settings.heightRtmpForwarding",),
        expected="pixels",
        group="webrtc",
        description="Height used when WebRTC is transcoded to RTMP.",
    )
    audio_bitrate_sfu: int = setting(
        "audioBitrateSFU",
        default=96000,
        legacy=("settings.audioBitrateSFU",),
        expected="bits per second",
        group="webrtc",
        description="Audio bitrate when only audio is transcoded.",
    )
    dash_muxing_enabled: bool = setting(
        "dashMuxingEnabled",
        default=False,
        legacy=("settings.dashMuxingEnabled",),
        group="dash",
        description="Produce DASH output for live streams.",
    )
    aac_encoding_enabled: bool = setting(
        "aacEncodingEnabled",
        default=True,
        legacy=("settings.aacEncodingEnabled",),
        group="encoder",
        description="Encode AAC even when no HLS or MP4 output needs it.",
    )
    gop_size: int = setting(
        "gopSize",
        default=0,
        legacy=("settings.gopSize",),
        expected="frames; 0 = as incoming",
        group="encoder",
        description="Key frame distance of encoded video.",
    )
    webrtc_viewer_limit: int = setting(
        "webRTCViewerLimit",
        default=-1,
        legacy=("settings.webRTCViewerLimit",),
        expected="count; -1 = no limit",
        group="webrtc",
        description="Most simultaneous WebRTC viewers in the application.",
    )
    app_status: str = setting(
        "appStatus",
        default="installed",
        effective=True,
        misfit="default",
        choices=(
            "installing",
            "installed",
            "deleted",
            "installationFailed",
        ),
        group="cluster",
        description="Installation state shared between nodes. Never read from file.",
    )
    app_installation_time: int = setting(
        "appInstallationTime",
        default=0,
        kind="long",
        effective=True,
        misfit="default",
        expected="epoch milliseconds",
        group="cluster",
        description="When the application was installed. Never read from file.",
    )
    pull_war_file: bool = setting(
        "pullWarFile",
        default=False,
        misfit="default",
        group="cluster",
        description="Record exists only so that other nodes fetch the WAR. Never read from file.",
    )
    war_file_origin_server_address: str = setting(
        "warFileOriginServerAddress",
        default="",
        misfit="default",
        expected="host or IP",
        group="cluster",
        description="Node that holds the original WAR. Never read from file.",
    )
    jwt_secret_key: str = setting(
        "jwtSecretKey",
        default="",
        legacy=("settings.jwtSecretKey",),
        secret=True,
        effective=True,
        expected="any text, 32 characters or more",
        group="rest-security",
        description="HS256 secret of the JWT filter, used only while jwksURL is empty.",
    )
    jwt_control_enabled: bool = setting(
        "jwtControlEnabled",
        default=False,
        legacy=("settings.jwtControlEnabled",),
        effective=True,
        group="rest-security",
        description="Require a valid JWT in Authorization on the application's REST API.",
    )
    ip_filter_enabled: bool = setting(
        "ipFilterEnabled",
        default=True,
        legacy=("settings.ipFilterEnabled",),
        effective=True,
        group="rest-security",
        description="Check remoteAllowedCIDR on the application's REST API.",
    )
    ingesting_stream_limit: int = setting(
        "ingestingStreamLimit",
        default=-1,
        legacy=("settings.ingestingStreamLimit",),
        expected="count; -1 = no limit",
        group="ingest",
        description="Most simultaneous incoming streams.",
    )
    webrtc_keyframe_time: int = setting(
        "webRTCKeyframeTime",
        default=2000,
        legacy=("settings.webRTCKeyframeTime",),
        expected="milliseconds",
        group="webrtc",
        description="Interval of key frame requests to WebRTC publishers.",
    )
    jwt_stream_secret_key: str = setting(
        "jwtStreamSecretKey",
        default="",
        legacy=("settings.jwtStreamSecretKey",),
        secret=True,
        effective=True,
        expected="32 characters or more",
        group="stream-security",
        description="HS256 secret for per-stream publish and play tokens.",
    )
    publish_jwt_control_enabled: bool = setting(
        "publishJwtControlEnabled",
        default=False,
        legacy=("settings.publishJwtControlEnabled",),
        group="stream-security",
        description="Require a stream JWT of type publish.",
    )
    play_jwt_control_enabled: bool = setting(
        "playJwtControlEnabled",
        default=False,
        legacy=("settings.playJwtControlEnabled",),
        effective=True,
        group="stream-security",
        description="Require a stream JWT of type play.",
    )
    dash_http_streaming: bool = setting(
        "dashHttpStreaming",
        default=True,
        legacy=("settings.dash.httpStreaming",),
        group="dash",
        description="Hand DASH output over HTTP instead of files; needed for low latency.",
    )
    sub_folder: str = setting(
        "subFolder",
        default="",
        expected="path; %m = main track id, %s = stream id",
        group="recording",
        description="Sub-folder for media files on disk and in object storage.",
    )
    s3_streams_folder_path: str = setting(
        "s3StreamsFolderPath",
        default="streams",
        legacy=("settings.s3.streams.folder.path",),
        expected="key prefix",
        group="s3",
        description="Object key prefix for recordings and HLS.",
    )
    s3_previews_folder_path: str = setting(
        "s3PreviewsFolderPath",
        default="previews",
        legacy=("settings.s3.previews.folder.path",),
        expected="key prefix",
        group="s3",
        description="Object key prefix for previews.",
    )
    dash_http_endpoint: str = setting(
        "dashHttpEndpoint",
        default="",
        legacy=("settings.dash.httpEndpoint",),
        pattern=HTTP_URL,
        expected="an http:// or https:// URL",
        group="dash",
        description="External HTTP target that receives CMAF or DASH output.",
    )
    hls_http_endpoint: str = setting(
        "hlsHttpEndpoint",
        default="",
        legacy=("settings.hlsHttpEndpoint",),
        pattern=HTTP_URL,
        expected="an http:// or https:// URL",
        group="hls",
        description="External HTTP target that receives HLS output.",
    )
    force_decoding: bool = setting(
        "forceDecoding",
        default=False,
        legacy=("settings.forceDecoding",),
        group="encoder",
        description="Decode streams even without an adaptive ladder.",
    )
    add_original_muxer_into_hls_playlist: bool = setting(
        "addOriginalMuxerIntoHLSPlaylist",
        default=True,
        legacy=("settings.addOriginalMuxerIntoHlsPlaylist",),
        group="hls",
        description="List the source rendition in the adaptive HLS playlist.",
    )
    s3_recording_enabled: bool = setting(
        "s3RecordingEnabled",
        default=False,
        legacy=("settings.s3RecordingEnabled",),
        group="s3",
        description="Upload recordings to object storage.",
    )
    s3_access_key: str = setting(
        "s3AccessKey",
        default="",
        legacy=("settings.s3AccessKey",),
        secret=True,
        group="s3",
        description="Object storage access key id.",
    )
    s3_secret_key: str = setting(
        "s3SecretKey",
        default="",
        legacy=("settings.s3SecretKey",),
        secret=True,
        group="s3",
        description="Object storage secret key.",
    )
    s3_bucket_name: str = setting(
        "s3BucketName",
        default="",
        legacy=("settings.s3BucketName",),
        expected="bucket name",
        group="s3",
        description="Bucket for uploads.",
    )
    s3_region_name: str = setting(
        "s3RegionName",
        default="",
        legacy=("settings.s3RegionName",),
        expected="region id",
        group="s3",
        description="Region of the bucket.",
    )
    s3_endpoint: str = setting(
        "s3Endpoint",
        default="",
        legacy=("settings.s3Endpoint",),
        pattern=HTTP_URL,
        expected="an http:// or https:// URL",
        group="s3",
        description="Endpoint of an S3-compatible service.",
    )
    s3_cache_control: str = setting(
        "s3CacheControl",
        default="no-store, no-cache, must-revalidate, max-age=0",
        legacy=("settings.s3CacheControl",),
        expected="Cache-Control value",
        group="s3",
        description="Cache-Control metadata given to uploaded objects.",
    )
    s3_path_style_access_enabled: bool = setting(
        "s3PathStyleAccessEnabled",
        default=False,
        group="s3",
        description="Address buckets by path instead of host name.",
    )
    s3_permission: str = setting(
        "s3Permission",
        default="public-read",
        legacy=("settings.s3Permission",),
        choices=(
            "public-read",
            "private",
            "public-read-write",
            "authenticated-read",
            "log-delivery-write",
            "bucket-owner-read",
            "bucket-owner-full-control",
            "aws-exec-read",
        ),
        group="s3",
        description="Canned ACL for uploaded objects.",
    )
    s3_transfer_buffer_size_in_bytes: int = setting(
        "s3TransferBufferSizeInBytes",
        default=10000000,
        expected="bytes",
        group="s3",
        description="Upload retry buffer; must exceed the largest segment.",
    )
    hls_encryption_key_info_file: str = setting(
        "hlsEncryptionKeyInfoFile",
        default="",
        legacy=("settings.hlsEncryptionKeyInfoFile",),
        expected="file path",
        group="hls",
        description="FFmpeg key-info file that turns on HLS encryption.",
    )
    jwks_url: tuple[str, ...] = setting(
        "jwksURL",
        default=(),
        kind="urls",
        legacy=("settings.jwksURL",),
        effective=True,
        expected="URLs or domains of the issuer or of its key set, comma separated",
        group="rest-security",
        description=(
            "Where the key set for asymmetric tokens is found; while set, jwtSecretKey is ignored."
        ),
    )
    force_aspect_ratio_in_transcoding: bool = setting(
        "forceAspectRatioInTranscoding",
        default=False,
        legacy=("settings.forceAspectRationInTranscoding",),
        group="encoder",
        description="Adjust rendition height to keep the exact aspect ratio.",
    )
    webhook_authenticate_url: str = setting(
        "webhookAuthenticateURL",
        default="",
        legacy=("settings.webhookAuthenticateURL",),
        pattern=HTTP_URL,
        expected="an http:// or https:// URL",
        group="webhooks",
        description="Webhook asked before a stream may be published.",
    )
    max_audio_track_count: int = setting(
        "maxAudioTrackCount",
        default=-1,
        legacy=("settings.maxAudioTrackCount",),
        expected="count; -1 = one per track",
        group="webrtc",
        description="Audio tracks shared in a multitrack playback connection.",
    )
    max_video_track_count: int = setting(
        "maxVideoTrackCount",
        default=-1,
        legacy=("settings.maxVideoTrackCount",),
        expected="count; -1 = one per track",
        group="webrtc",
        description="Video tracks shared in a multitrack playback connection.",
    )
    vod_upload_finish_script: str = setting(
        "vodUploadFinishScript",
        default="",
        legacy=("settings.vodUploadFinishScript",),
        expected="executable path",
        effective=True,
        group="recording",
        description="Script run after a VoD upload is finished.",
    )
    content_security_policy_header_value: str = setting(
        "contentSecurityPolicyHeaderValue",
        default="",
        legacy=("settings.contentSecurityPolicyHeaderValue",),
        effective=True,
        # Anything else could end the header, and begin another.
        pattern=r"[\x20-\x7e]*",
        expected="CSP header value in printable ASCII; empty = header not sent",
        group="rest-security",
        description="Content-Security-Policy header added to the application's responses.",
    )
    rtmp_playback_enabled: bool = setting(
        "rtmpPlaybackEnabled",
        default=False,
        legacy=("settings.rtmpPlaybackEnabled",),
        group="ingest",
        description="Allow RTMP playback.",
    )
    origin_edge_connection_idle_timeout: int = setting(
        "originEdgeConnectionIdleTimeout",
        default=2,
        legacy=(
            "settings.originEdgeIdleTimeout",
            "originEdgeIdleTimeout",
        ),
        expected="seconds",
        group="cluster",
        description="Idle time before an edge reconnects to the origin.",
        json_name="originEdgeIdleTimeout",
    )
    add_date_time_to_hls_file_name: bool = setting(
        "addDateTimeToHlsFileName",
        default=False,
        legacy=("settings.addDateTimeToHlsFileName",),
        group="hls",
        description="Append a timestamp to HLS file names.",
    )
    play_webrtc_stream_once_for_each_session: bool = setting(
        "playWebRTCStreamOnceForEachSession",
        default=True,
        legacy=("settings.playWebRTCStreamOnceForEachSession",),
        group="webrtc",
        description="Refuse to play one stream twice in the same session.",
    )
    stats_based_abr_algorithm_enabled: bool = setting(
        "statsBasedABRAlgorithmEnabled",
        default=True,
        legacy=(
            "settings.statsBasedABREnabled",
            "statsBasedABREnabled",
        ),
        group="webrtc",
        description="Choose renditions from WebRTC statistics.",
        json_name="statsBasedABREnabled",
    )
    abr_down_scale_packet_lost_ratio: float = setting(
        "abrDownScalePacketLostRatio",
        default=1.0,
        legacy=("settings.abrDownScalePacketLostRatio",),
        expected="percent; trailing f accepted",
        group="webrtc",
        description="Packet loss that triggers a lower rendition.",
    )
    abr_up_scale_packet_lost_ratio: float = setting(
        "abrUpScalePacketLostRatio",
        default=0.1,
        legacy=("settings.abrUpScalePacketLostRatio",),
        expected="percent; trailing f accepted",
        group="webrtc",
        description="Packet loss below which a higher rendition is tried.",
    )
    abr_up_scale_rtt_ms: int = setting(
        "abrUpScaleRTTMs",
        default=150,
        legacy=("settings.abrUpScaleRTTMs",),
        expected="milliseconds",
        group="webrtc",
        description="Round trip below which a higher rendition is tried.",
    )
    abr_up_scale_jitter_ms: int = setting(
        "abrUpScaleJitterMs",
        default=30,
        legacy=("settings.abrUpScaleJitterMs",),
        expected="milliseconds",
        group="webrtc",
        description="Jitter below which a higher rendition is tried.",
    )
    cluster_communication_key: str = setting(
        "clusterCommunicationKey",
        default="",
        legacy=("settings.clusterCommunicationKey",),
        secret=True,
        effective=True,
        group="cluster",
        description=(
            "HS256 secret of the ClusterAuthorization header between nodes; it bypasses JWT "
            "and IP filters. Made at random when it is not set."
        ),
    )
    id3_tag_enabled: bool = setting(
        "id3TagEnabled",
        default=False,
        group="hls",
        description="Support ID3 tags in HLS.",
    )
    send_audio_level_to_viewers: bool = setting(
        "sendAudioLevelToViewers",
        default=False,
        group="webrtc",
        description="Send publisher audio levels to viewers over the data channel.",
    )
    audio_level_threshold: int = setting(
        "audioLevelThreshold",
        default=120,
        minimum=0,
        maximum=127,
        expected="0 (loud) to 127 (silent)",
        group="webrtc",
        description="Loudness needed to win a limited audio track.",
    )
    hw_scaling_enabled: bool = setting(
        "hwScalingEnabled",
        default=False,
        legacy=("settings.encoding.hwScalingEnabled",),
        group="encoder",
        description="Scale frames on the GPU.",
    )
    hw_decoder_enabled: bool = setting(
        "hwDecoderEnabled",
        default=True,
        group="encoder",
        description="Decode on the GPU where available.",
    )
    firebase_account_key_json: str | None = setting(
        "firebaseAccountKeyJSON",
        default=None,
        kind="json",
        secret=True,
        expected="service account JSON",
        group="misc",
        description="Firebase credentials for push notifications.",
    )
    subscriber_authentication_key: str = setting(
        "subscriberAuthenticationKey",
        default="",
        secret=True,
        effective=True,
        group="stream-security",
        description="Secret that signs push subscriber tokens. Made at random when it is not set.",
    )
    apns_server: str = setting(
        "apnsServer",
        default="api.sandbox.push.apple.com",
        choices=(
            "api.sandbox.push.apple.com",
            "api.push.apple.com",
        ),
        group="misc",
        description="Apple push host.",
    )
    apn_team_id: str | None = setting(
        "apnTeamId",
        default=None,
        group="misc",
        description="Apple push team id.",
    )
    apn_private_key: str | None = setting(
        "apnPrivateKey",
        default=None,
        secret=True,
        expected="PEM text",
        group="misc",
        description="Apple push private key.",
    )
    apn_key_id: str | None = setting(
        "apnKeyId",
        default=None,
        group="misc",
        description="Apple push key id.",
    )
    webhook_retry_count: int = setting(
        "webhookRetryCount",
        default=0,
        expected="count",
        group="webhooks",
        description="Retries after a failed webhook POST.",
    )
    secure_analytic_endpoint: bool = setting(
        "secureAnalyticEndpoint",
        default=False,
        group="rest-security",
        description="Require a jwtSecretKey-signed token inside player analytics events.",
    )
    webhook_retry_attempt_delay: int = setting(
        "webhookRetryAttemptDelay",
        default=1000,
        kind="long",
        legacy=("webhookRetryDelay",),
        expected="milliseconds",
        group="webhooks",
        description="Wait between webhook attempts.",
        json_name="webhookRetryDelay",
    )
    webhook_stream_status_update_period_ms: int = setting(
        "webhookStreamStatusUpdatePeriodMs",
        default=-1,
        kind="long",
        expected="milliseconds; -1 = off; 5000 or more advised",
        group="webhooks",
        description="Interval of stream status webhooks.",
    )
    webhook_play_auth_url: str = setting(
        "webhookPlayAuthUrl",
        default="",
        pattern=HTTP_URL,
        expected="an http:// or https:// URL",
        group="webhooks",
        description="Webhook asked before a WebRTC stream may be played.",
    )
    recording_subfolder: str | None = setting(
        "recordingSubfolder",
        default=None,
        expected="path",
        group="recording",
        description="Sub-folder for MP4 and WebM recordings.",
    )
    webhook_content_type: str = setting(
        "webhookContentType",
        default="application/json",
        choices=(
            "application/json",
            "application/x-www-form-urlencoded",
        ),
        group="webhooks",
        description="Content type of webhook POSTs.",
    )
    ice_gathering_timeout_ms: int = setting(
        "iceGatheringTimeoutMs",
        default=2000,
        kind="long",
        expected="milliseconds",
        group="webrtc",
        description="ICE gathering limit, chiefly for WHIP.",
    )
    participant_visibility_matrix: str = setting(
        "participantVisibilityMatrix",
        default='{"default":["default"],"speaker":["speaker","active_attendee"],"attendee":["speaker","active_attendee"],"active_attendee":["active_attendee","speaker"]}',
        kind="object",
        expected="object: role to list of visible roles",
        group="webrtc",
        description="Which conference roles see which.",
    )
    custom_settings: str = setting(
        "customSettings",
        default="{}",
        kind="object",
        effective=True,
        expected="object",
        group="misc",
        description="Free-form values for plugins; may hold secrets, so mask values by key name.",
    )
    relay_rtmp_metadata_to_muxers: bool = setting(
        "relayRTMPMetaDataToMuxers",
        default=True,
        group="ingest",
        description="Pass RTMP metadata on to muxers.",
    )
    drop_webrtc_ingest_if_no_packet_received: bool = setting(
        "dropWebRTCIngestIfNoPacketReceived",
        default=False,
        group="webrtc",
        description="Drop a WebRTC publisher that sends no audio or no video.",
    )
    srt_receive_latency_in_ms: int = setting(
        "srtReceiveLatencyInMs",
        default=150,
        expected="milliseconds",
        group="ingest",
        description="SRT receive latency.",
    )
    encoding_queue_size: int = setting(
        "encodingQueueSize",
        default=150,
        expected="frames",
        group="encoder",
        description="Frames that may wait for encoding.",
    )
    write_subscriber_events_to_datastore: bool = setting(
        "writeSubscriberEventsToDatastore",
        default=False,
        group="misc",
        description="Store subscriber connect and disconnect events.",
    )
    webapp_context_path: str = setting(
        "webapp.contextPath",
        default="",
        effective=True,
        expected="/{AppName}",
        group="misc",
        description="Mount path in a media server; here the directory is the application's name.",
        json_name=None,
    )
    webapp_virtual_hosts: tuple[str, ...] = setting(
        "webapp.virtualHosts",
        default=(),
        effective=True,
        expected="comma list of hosts; * = any",
        group="misc",
        description="Host names for RTMP scope mapping; HTTP routing ignores it.",
        json_name=None,
    )
    webapp_db_name: str = setting(
        "webapp.dbName",
        default="",
        expected="file name",
        group="misc",
        description="No longer used; the name of the datastore is db.name.",
        json_name=None,
    )
    db_type: str = setting(
        "db.type",
        default="mapdb",
        effective=True,
        required=True,
        choices=(
            "mapdb",
            "mongodb",
            "redisdb",
            "memorydb",
        ),
        group="misc",
        description="Datastore kind; this version serves data from mapdb and memorydb only.",
        json_name=None,
    )
    db_name: str = setting(
        "db.name",
        default="",
        effective=True,
        pattern=r"(?!\.{1,2}$)[A-Za-z0-9_.-]+",
        expected="letters, digits, dot, hyphen and underscore",
        group="misc",
        description="Datastore name; empty means the application's name.",
        json_name=None,
    )
    db_host: str = setting(
        "db.host",
        default="localhost",
        secret=True,
        effective=True,
        expected="host, connection URI or Redis YAML path",
        group="misc",
        description="Datastore address; may embed a user and password, so mask the userinfo.",
        json_name=None,
    )
    db_user: str = setting(
        "db.user",
        default="",
        group="misc",
        description="Deprecated; still written by scripts, no longer read.",
        json_name=None,
    )
    db_password: str = setting(
        "db.password",
        default="",
        secret=True,
        group="misc",
        description="Deprecated; still written by scripts, no longer read.",
        json_name=None,
    )
    jwt_previous_secret_key: str = setting(
        "jwtPreviousSecretKey",
        default="",
        secret=True,
        effective=True,
        group="rest-security",
        description="Accepted beside jwtSecretKey, so that a rotation refuses no request.",
    )
    jwt_issuer: tuple[str, ...] = setting(
        "jwtIssuer",
        default=(),
        effective=True,
        group="rest-security",
        expected="comma list",
        description="When set, the iss claim of a token must equal one of these.",
    )
    jwt_audience: tuple[str, ...] = setting(
        "jwtAudience",
        default=(),
        effective=True,
        group="rest-security",
        expected="comma list",
        description="When set, the aud claim of a token must contain one of these.",
    )
    jwt_algorithms: tuple[str, ...] = setting(
        "jwtAlgorithms",
        default=(),
        effective=True,
        choices=ALGORITHMS,
        group="rest-security",
        description="When set, only these: HS256 with a secret, the others with a key set.",
    )
    jwt_clock_skew_seconds: int = setting(
        "jwtClockSkewSeconds",
        default=0,
        effective=True,
        minimum=0,
        maximum=300,
        group="rest-security",
        description="Seconds by which the clock of a token's issuer may differ, for exp and nbf.",
    )
    jwt_require_expiry: bool = setting(
        "jwtRequireExpiry",
        default=False,
        effective=True,
        group="rest-security",
        description="Refuse a token that has no exp claim.",
    )
    jwks_max_stale_seconds: int = setting(
        "jwksMaxStaleSeconds",
        default=86400,
        effective=True,
        minimum=0,
        group="rest-security",
        description="Seconds for which the last good key set serves while its source is down.",
    )
    vod_import_roots: tuple[str, ...] = setting(
        "vodImportRoots",
        default=(),
        kind="directories",
        effective=True,
        group="misc",
        expected="absolute directories, comma separated",
        description="Directories from which recordings may be imported; none while empty.",
    )
    rest_requests_per_second: int = setting(
        "restRequestsPerSecond",
        default=0,
        minimum=0,
        maximum=1000000,
        expected="requests a second; 0 = no limit",
        effective=True,
        group="rest-security",
        description="REST requests a second, of all clients; further ones are answered with 429.",
    )
    rest_requests_per_second_per_address: int = setting(
        "restRequestsPerSecondPerAddress",
        default=0,
        minimum=0,
        maximum=1000000,
        expected="requests a second; 0 = no limit",
        effective=True,
        group="rest-security",
        description="The same for each client's address, of IPv6 for each /64.",
    )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ServerSettings(Masked):
    """What ``conf/red5.properties`` says, typed.  Replaced whole, never edited."""

    http_host: str = setting(
        "http.host",
        default="0.0.0.0",  # noqa: S104 - what the shipped file says
        kind="host",
        required=True,
        expected="an IP address or a host name",
        effective=True,
        group="http",
        description="Address that HTTP and HTTPS listen on.",
        json_name=None,
    )
    http_port: int = setting(
        "http.port",
        default=5080,
        minimum=0,
        maximum=65535,
        effective=True,
        group="http",
        description="Port for HTTP.",
        json_name="defaultHttpPort",
    )
    https_port: int = setting(
        "https.port",
        default=5443,
        minimum=0,
        maximum=65535,
        effective=True,
        group="http",
        description="Port for HTTPS; in use while there is a certificate.",
        json_name=None,
    )
    https_hsts_seconds: int = setting(
        "https.hsts_seconds",
        default=0,
        minimum=0,
        expected="seconds; 0 = off",
        effective=True,
        group="http",
        description="How long browsers are to use HTTPS only, told over HTTPS "
        "(Strict-Transport-Security).",
        json_name=None,
    )
    http_trusted_proxies: tuple[Network, ...] = setting(
        "http.trusted_proxies",
        default=(),
        kind="networks",
        expected="IP addresses and CIDR blocks, comma separated; empty trusts nobody",
        effective=True,
        group="http",
        description="Peers whose X-Forwarded-For and Forwarded headers are believed.",
        json_name=None,
    )
    http_max_connections: int = setting(
        "http.max_connections",
        default=10000,
        minimum=1,
        effective=True,
        group="http",
        description="Connections open at a time; a further one is answered with 503 and closed.",
        json_name=None,
    )
    http_max_connections_per_address: int = setting(
        "http.max_connections_per_address",
        default=0,
        minimum=0,
        expected="count; 0 = no limit",
        effective=True,
        group="http",
        description=(
            "The same for one address, of IPv6 for one /64; not for those in http.trusted_proxies."
        ),
        json_name=None,
    )
    http_max_requests_under_way: int = setting(
        "http.max_requests_under_way",
        default=1000,
        minimum=1,
        effective=True,
        group="http",
        description=(
            "Requests worked on at a time; further ones are answered with 503. Those that wait for"
            " their client, which sends a body or takes a file, do not count."
        ),
        json_name=None,
    )
    http_uri_encoding: str = setting(
        "http.URIEncoding",
        default="UTF-8",
        group="http",
        description="Encoding of request targets; always UTF-8 here.",
        json_name=None,
    )
    http_max_keep_alive_requests: int = setting(
        "http.max_keep_alive_requests",
        default=-1,
        expected="count; -1 = no limit",
        group="http",
        description="Requests on one connection before it is closed.",
        json_name=None,
    )
    http_max_threads: int = setting(
        "http.max_threads",
        default=300,
        expected="count",
        group="http",
        description="Worker threads of a Tomcat connector.",
        json_name=None,
    )
    http_acceptor_thread_count: int = setting(
        "http.acceptor_thread_count",
        default=10,
        expected="count",
        group="http",
        description="Acceptor threads of a Tomcat connector.",
        json_name=None,
    )
    http_processor_cache: int = setting(
        "http.processor_cache",
        default=150,
        expected="count",
        group="http",
        description="Idle request processors that a Tomcat connector keeps.",
        json_name=None,
    )
    http_upgrade_http2_protocol: bool = setting(
        "http.upgradeHttp2Protocol",
        default=True,
        group="http",
        description="Offer HTTP/2.",
        json_name=None,
    )
    http_ssl_certificate_file: str = setting(
        "http.ssl_certificate_file",
        default="conf/fullchain.pem",
        expected="file path",
        effective=True,
        group="http",
        description="Certificate in PEM form; a relative path starts at the home directory.",
        json_name=None,
    )
    http_ssl_certificate_chain_file: str = setting(
        "http.ssl_certificate_chain_file",
        default="conf/chain.pem",
        expected="file path",
        effective=True,
        group="http",
        description=(
            "Intermediate certificates in PEM form; a relative path starts at the home directory."
        ),
        json_name=None,
    )
    http_ssl_certificate_key_file: str = setting(
        "http.ssl_certificate_key_file",
        default="conf/privkey.pem",
        expected="file path",
        effective=True,
        group="http",
        description="Private key in PEM form; a relative path starts at the home directory.",
        json_name=None,
    )
    server_name: str = setting(
        "server.name",
        default="",
        expected="host name",
        effective=True,
        group="server",
        description="Public host name.",
        json_name="serverName",
    )
    server_licence_key: str = setting(
        "server.licence_key",
        default="",
        secret=True,
        group="server",
        description="Licence key of a media server.",
        json_name="licenceKey",
    )
    node_group: str = setting(
        "nodeGroup",
        default="default",
        effective=True,
        group="cluster",
        description="Cluster group of this node.",
    )
    log_level: str = setting(
        "logLevel",
        default="INFO",
        kind="level",
        choices=LOG_LEVELS,
        effective=True,
        group="server",
        description="Least level of what is logged.",
    )
    log_access: str = setting(
        "log.access",
        default="off",
        choices=("off", "on"),
        effective=True,
        group="server",
        description="Write a line for each request to log/access.log.",
        json_name=None,
    )
    native_log_level: str = setting(
        "nativeLogLevel",
        default="ERROR",
        kind="level",
        choices=LOG_LEVELS,
        group="server",
        description="Log level of a media server's native libraries.",
    )
    server_allowed_dashboard_cidr: tuple[Network, ...] = setting(
        "server.allowed_dashboard_CIDR",
        default=(EVERY_IPV4_ADDRESS,),
        kind="networks",
        expected="IP addresses and CIDR blocks, comma separated; empty lets nobody in",
        effective=True,
        group="management",
        description="Addresses that may reach the panel and the management API.",
        json_name="allowedDashboardCIDR",
    )
    metrics_allowed_cidr: tuple[Network, ...] = setting(
        "metrics.allowed_cidr",
        default=(*LOOPBACK, IPv6Network("::1")),
        kind="networks",
        expected="IP addresses and CIDR blocks, comma separated; empty lets nobody in",
        effective=True,
        group="management",
        description="Addresses that may read /metrics, and the details of /readyz.",
        json_name=None,
    )
    server_jwt_server_control_enabled: bool = setting(
        "server.jwtServerControlEnabled",
        default=False,
        effective=True,
        group="management",
        description="Accept a JWT on the management API.",
        json_name="jwtServerControlEnabled",
    )
    server_jwt_server_secret_key: str = setting(
        "server.jwtServerSecretKey",
        default="",
        secret=True,
        expected="any text, 32 characters or more",
        effective=True,
        group="management",
        description="HS256 secret for the management API, used only while server.jwksURL is empty.",
        json_name="jwtServerSecretKey",
    )
    server_jwks_url: tuple[str, ...] = setting(
        "server.jwksURL",
        default=(),
        kind="urls",
        expected="URLs or domains of the issuer or of its key set, comma separated",
        effective=True,
        group="management",
        description=(
            "Where the key set for the management API is found; while set, the secret is ignored."
        ),
        json_name="jwksURL",
    )
    server_heartbeat_enabled: bool = setting(
        "server.heartbeatEnabled",
        default=True,
        group="server",
        description="Usage report to the vendor; this daemon never sends one.",
        json_name="heartbeatEnabled",
    )
    server_marketplace: str | None = setting(
        "server.marketplace",
        default=None,
        group="server",
        description="Name of a cloud marketplace.",
        json_name="marketplace",
    )
    server_market_build: bool = setting(
        "server.market_build",
        default=False,
        group="server",
        description="Whether this is a marketplace build.",
        json_name="buildForMarket",
    )
    server_kafka_brokers: str = setting(
        "server.kafka_brokers",
        default="",
        expected="host:port, comma separated",
        group="server",
        description="Kafka brokers that receive metrics.",
        json_name=None,
    )
    server_cpu_limit: int = setting(
        "server.cpu_limit",
        default=75,
        expected="percent",
        group="limits",
        description="Processor load above which new streams are refused.",
        json_name=None,
    )
    server_memory_limit_percentage: int = setting(
        "server.memory_limit_percentage",
        default=75,
        expected="percent",
        group="limits",
        description="Memory use above which new streams are refused.",
        json_name=None,
    )
    server_min_free_ram: int = setting(
        "server.min_free_ram",
        default=10,
        expected="megabytes",
        group="limits",
        description="Free memory below which new streams are refused.",
        json_name=None,
    )
    server_cpu_measurement_period_ms: int = setting(
        "server.cpu_measurement_period_ms",
        default=1000,
        expected="milliseconds",
        group="limits",
        description="Interval of load measurements.",
        json_name="cpuMeasurementPeriodMs",
    )
    server_cpu_measurement_window_size: int = setting(
        "server.cpu_measurement_window_size",
        default=5,
        expected="count",
        group="limits",
        description="Load measurements that are averaged.",
        json_name="cpuMeasurementWindowSize",
    )
    server_status_web_hook_url: str | None = setting(
        "server.statusWebHookURL",
        default=None,
        pattern=HTTP_URL,
        expected="an http:// or https:// URL",
        group="server",
        description="Target of webhooks about resources and shutdown.",
        json_name="serverStatusWebHookURL",
    )
    server_origin_port: int = setting(
        "server.origin_port",
        default=5000,
        expected="port",
        group="cluster",
        description="Port between nodes of a cluster.",
        json_name="originServerPort",
    )
    server_srt_port: int = setting(
        "server.srt_port",
        default=4200,
        expected="port",
        group="media",
        description="Port for SRT.",
        json_name="srtPort",
    )
    server_local_licence_server_ip: str | None = setting(
        "server.localLicenceServerIp",
        default=None,
        group="server",
        description="Local licence server.",
        json_name="localLicenceServerIps",
    )
    proxy_address: str | None = setting(
        "proxy.address",
        default=None,
        group="server",
        description="Proxy for licence checks.",
        json_name="proxyAddress",
    )
    rtmp_port: int = setting(
        "rtmp.port",
        default=1935,
        expected="port",
        group="media",
        description="Port for RTMP.",
        json_name="rtmpPort",
    )
    rtmps_enabled: bool = setting(
        "rtmps.enabled",
        default=False,
        group="media",
        description="Serve RTMP over TLS.",
        json_name=None,
    )
    app_ingests_srt_streams_without_stream_id: str = setting(
        "appIngestsSrtStreamsWithoutStreamId",
        default="LiveApp",
        expected="application name",
        group="media",
        description="Application that takes SRT streams without a stream id.",
    )
    use_global_ip: bool = setting(
        "useGlobalIp",
        default=False,
        group="server",
        description="Announce the public IP address.",
    )
    war_deploy_server_check_interval: int = setting(
        "war.deploy.server.check.interval",
        default=600000,
        expected="milliseconds",
        group="server",
        description="Interval of looking for new WAR files.",
        json_name=None,
    )
    clusterdb_host: str = setting(
        "clusterdb.host",
        default="localhost",
        secret=True,
        expected="host or connection URI",
        group="cluster",
        description="Cluster database; may hold a user and a password.",
        json_name=None,
    )
    clusterdb_user: str = setting(
        "clusterdb.user",
        default="",
        group="cluster",
        description="User of the cluster database.",
        json_name=None,
    )
    clusterdb_password: str = setting(
        "clusterdb.password",
        default="",
        secret=True,
        group="cluster",
        description="Password of the cluster database.",
        json_name=None,
    )


def _by_key(declared: Iterable[Setting]) -> Mapping[str, Setting]:
    return MappingProxyType({setting.key: setting for setting in declared})


def _by_spelling(declared: Mapping[str, Setting]) -> Mapping[str, tuple[Setting, ...]]:
    found: dict[str, tuple[Setting, ...]] = {}
    for one in declared.values():
        for spelling in one.spellings:
            found[spelling] = (*found.get(spelling, ()), one)
    return MappingProxyType(found)


APPLICATION_KEYS: Final = _by_key(declared_settings(Settings))
"""The settings of an application by current key, in the order of their declaration."""

APPLICATION_SPELLINGS: Final = _by_spelling(APPLICATION_KEYS)
"""The same by every spelling; one old spelling can stand for two settings."""

SERVER_KEYS: Final = _by_key(declared_settings(ServerSettings))
SERVER_SPELLINGS: Final = _by_spelling(SERVER_KEYS)
